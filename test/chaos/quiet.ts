/** Waiting until everything that was begun has ended, by itself. */
import { setTimeout as delay } from "node:timers/promises";
import { openInvocations, readTimers } from "./engineRecord.ts";
import type { SandboxFile } from "./sandboxRecord.ts";

/** What one invocation sends for is seen nowhere until it arrives, so one look in vain doesn't count. */
const quietLooks = 5;

/** Gives how long it took, and what was still open when the patience was at an end. */
export async function untilQuiet(
  adminUrl: string,
  sandbox: SandboxFile,
  patienceMs: number,
): Promise<{ readonly tookMs: number; readonly stillOpen: number }> {
  const begunAtMs = performance.now();
  for (let looks = 0; ;) {
    const open = (await openInvocations(adminUrl).catch(() => 1)) + sandbox.pending();
    const tookMs = performance.now() - begunAtMs;
    looks = open === 0 ? looks + 1 : 0;
    if (looks === quietLooks || tookMs > patienceMs) return { tookMs, stillOpen: open };
    await delay(250);
  }
}

/** Waits until no reference has anything to forget any more; one whose payment is held goes on for as long as that. */
export async function untilForgotten(adminUrl: string, patienceMs: number): Promise<void> {
  const giveUpAtMs = performance.now() + patienceMs;
  while (performance.now() < giveUpAtMs) {
    const timers = await readTimers(adminUrl);
    if (!timers.some(({ service }) => service === "paymentReference")) return;
    await delay(250);
  }
}
