/** The callers, of whom so many work at once. */

/** As many at once as there are callers. */
export async function work<Task>(
  tasks: readonly Task[],
  callers: number,
  begin: (task: Task) => Promise<unknown>,
): Promise<void> {
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      // A payment that has no answer is found by the checker.
      await begin(task).catch((error: unknown) => console.error(`${JSON.stringify(task)}: ${String(error)}`));
    }
  };
  await Promise.all(Array.from({ length: callers }, worker));
}

/** Waits for all, and fails only then: what runs on would disturb whoever cleans up. */
export async function settled(parts: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
