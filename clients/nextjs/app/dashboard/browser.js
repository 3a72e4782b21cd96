"use client";

import { useKindeBrowserClient } from "@kinde-oss/kinde-auth-nextjs";

/** What the session tells a component in the browser, which asks /api/auth/setup for it. */
export function Browser() {
  const kinde = useKindeBrowserClient();
  if (kinde.isLoading) return <p>Loading</p>;
  const granted = kinde.getPermission("create:todos")?.isGranted;
  return (
    <p id="browser">
      In the browser: {kinde.user?.email} {granted ? "may" : "may not"} create todos.
    </p>
  );
}
