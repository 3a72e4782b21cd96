/** The events of this process. Next.js loads a module once for each route, so the list lies where all of them see it. */
export const received = (globalThis.receivedEvents ??= []);
