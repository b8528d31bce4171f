/** That webhooks wake the calls of their own merchant alone. */
import { addressee, type Books } from "./books.ts";
import type { CallFinder } from "./callersCall.ts";
import { waitOf } from "./doorbells.ts";
import type { Handed, RunRecord, Trouble } from "./records.ts";
import type { Findings } from "./verdict.ts";

/** So long after a list of events they may still be passed on. */
const passingOnMs = 15_000;

/** The engine's clock stands still for moments under load, and as long as the engine does. */
const clockMs = 1000;

/**
 * Whoever waits is woken by what its own merchant's secret signs: such a webhook with its doorbell was handed over before. The engine
 * doesn't tell who rang, so a ring that may have come from a list of undelivered events, or from another call, counts for nothing.
 */
export function webhooksRingTheirOwn(
  { rings: { rings, handed, lists, signalled }, course }: RunRecord,
  books: Books,
  callOf: CallFinder,
  findings: Findings,
): void {
  const byWait = new Map<string, Handed[]>();
  for (const webhook of handed) {
    for (const address of webhook.doorbells) {
      const wait = waitOf(address);
      if (wait !== null) byWait.set(nameOf(wait), [...(byWait.get(nameOf(wait)) ?? []), webhook]);
    }
  }
  const byCall = new Set(signalled);
  for (const ring of rings) {
    const waiter = callOf(ring.invocationId);
    if (waiter === undefined || byCall.has(ring.invocationId)) continue;
    const { merchant, stripeAccount } = books.placeOf(addressee(waiter));
    const isOfList = lists.some(
      (list) =>
        list.stripeAccount === stripeAccount &&
        list.atMs <= ring.atMs &&
        ring.atMs <= list.atMs + passingOnMs + lostMs(course.blows, list.atMs, ring.atMs),
    );
    if (isOfList) continue;
    const rungUntilMs = ring.atMs + clockMs + lostMs(course.blows, ring.atMs - clockMs, ring.atMs + clockMs);
    const before = (byWait.get(nameOf(ring)) ?? []).filter(({ atMs }) => atMs <= rungUntilMs);
    const isOwn = before.some((webhook) => webhook.merchant === merchant || webhook.maker === null);
    const others = [...new Set(before.map((webhook) => webhook.merchant))].join(" and ") || "nobody";
    const problem = `${waiter.key}, a call for ${merchant}, was woken, and only ${others} had a webhook with its doorbell.`;
    findings.check(waiter.payment, isOwn ? null : problem);
  }
}

/** How long processes stood still or were dead between two moments. */
function lostMs(blows: readonly Trouble[], fromMs: number, untilMs: number): number {
  return blows
    .filter((blow) => blow.fromMs <= untilMs && fromMs <= blow.toMs)
    .reduce((sum, blow) => sum + blow.toMs - blow.fromMs, 0);
}

function nameOf({ invocationId, index }: { readonly invocationId: string; readonly index: number }): string {
  return `${invocationId} ${index}`;
}
