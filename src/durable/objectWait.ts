/** Waiting for news of one Stripe object that carries a doorbell: a PaymentIntent, a refund, a SetupIntent, a dispute. */
import type { Context } from "@restatedev/restate-sdk";
import { createDoorbell, startWait, type Doorbell, type Wake } from "./wait.ts";

/** What woke the wait, and what Stripe said then. */
type Look<Seen> = { readonly wake: Wake; readonly seen: Seen };

export type ObjectWait<Seen> = {
  /**
   * Waits until something happens and reads the object. `isPending` tells whether to go on waiting for a webhook: then a
   * rung doorbell is replaced by a new one.
   */
  next(isPending: (seen: Seen) => boolean): Promise<Look<Seen>>;
};

/** After this many rings that found nothing new, polling does: rings are cheap for whoever sends them. */
const maximumRings = 10;

/**
 * Starts to wait for news of one object.
 * @param from.read reads the object from Stripe
 * @param from.hang writes a doorbell's address to the object; Stripe's answer is a read as well
 * @param from.doorbell the one that hangs there already, if any
 * @param from.deadlineMs how long from now until the deadline, or null for none
 */
export function startObjectWait<Seen>(
  ctx: Context,
  from: {
    read(): Promise<Seen>;
    hang(doorbell: Doorbell): Promise<Seen>;
    readonly doorbell: Doorbell | null;
    readonly pollScheduleMs: readonly number[];
    readonly deadlineMs: number | null;
  },
): ObjectWait<Seen> {
  const { pollScheduleMs, deadlineMs } = from;
  const wait = startWait(ctx, { pollScheduleMs, deadlineMs, cancellable: true });
  let doorbell = from.doorbell;
  let rings = 0;
  return {
    async next(isPending) {
      const wake = await wait.next(doorbell);
      if (wake === "webhook") doorbell = null;
      let seen = await from.read();
      // Reading comes first: on a PaymentIntent, writing the new address erases the reason of a failure.
      if (wake === "webhook" && isPending(seen) && ++rings <= maximumRings) {
        doorbell = createDoorbell(ctx);
        seen = await from.hang(doorbell);
      }
      return { wake, seen };
    },
  };
}
