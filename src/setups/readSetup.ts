import type { Context } from "@restatedev/restate-sdk";
import type { SetupSnapshot } from "./rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { failure } from "../durable/failures.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** Reads a SetupIntent that the caller named. @throws TerminalError `not_found` */
export async function readNamedSetup(
  ctx: Context,
  stripe: StripeGateway,
  setupIntentId: string,
): Promise<SetupSnapshot> {
  const read = await stripeStep(ctx, "read SetupIntent", () => stripe.readSetup(setupIntentId));
  if (read.kind === "missing") {
    throw failure("not_found", `Stripe knows no SetupIntent ${setupIntentId}.`, { setupIntentId });
  }
  return read.setup;
}

/** Reads a SetupIntent that is known to exist. @throws TerminalError `needs_review` if it is gone */
export async function readOwnSetup(ctx: Context, stripe: StripeGateway, setupIntentId: string): Promise<SetupSnapshot> {
  const read = await stripeStep(ctx, "read SetupIntent", () => stripe.readSetup(setupIntentId));
  if (read.kind === "missing") {
    const message = `Stripe no longer knows the SetupIntent: ${read.refusal.message}`;
    throw failure("needs_review", message, { setupIntentId });
  }
  return read.setup;
}
