/** Loaded before a program of the bench: answers the message "heap" with the bytes that are in use after a collection. */
process.on("message", (message) => {
  if (message !== "heap") return;
  globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed);
});
