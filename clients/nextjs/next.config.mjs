import { fileURLToPath } from "node:url";

export default {
  // This folder is the whole project, whatever lock files lie above it.
  turbopack: { root: fileURLToPath(new URL(".", import.meta.url)) },
  poweredByHeader: false,
};
