import type { Context } from "@restatedev/restate-sdk";
import type { SetupSnapshot } from "./rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { type ObjectWait, startObjectWait } from "../durable/objectWait.ts";
import { readOwnSetup } from "./readSetup.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import type { Doorbell } from "../durable/wait.ts";

/**
 * Starts to wait for news of one SetupIntent.
 * @param from.callbackKey the metadata key that holds the address of `from.doorbell`
 * @param from.deadlineMs how long from now until the deadline
 */
export function startSetupWait(
  ctx: Context,
  stripe: StripeGateway,
  from: {
    readonly setupIntentId: string;
    readonly callbackKey: string;
    readonly doorbell: Doorbell;
    readonly pollScheduleMs: readonly number[];
    readonly deadlineMs: number;
  },
): ObjectWait<SetupSnapshot> {
  const { setupIntentId, callbackKey } = from;
  return startObjectWait(ctx, {
    ...from,
    read: () => readOwnSetup(ctx, stripe, setupIntentId),
    hang: (doorbell) => hangSetupDoorbell(ctx, stripe, setupIntentId, callbackKey, doorbell),
  });
}

/** Writes a doorbell's address to the SetupIntent. Where Stripe refuses, the wait goes on by polling. */
export async function hangSetupDoorbell(
  ctx: Context,
  stripe: StripeGateway,
  setupIntentId: string,
  callbackKey: string,
  doorbell: Doorbell,
): Promise<SetupSnapshot> {
  const hung = await stripeStep(ctx, "hang the doorbell", () =>
    stripe.hangSetupDoorbell(setupIntentId, callbackKey, doorbell.address),
  );
  return hung.kind === "setup" ? hung.setup : await readOwnSetup(ctx, stripe, setupIntentId);
}
