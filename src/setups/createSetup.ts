import type { Context } from "@restatedev/restate-sdk";
import type { SetupSnapshot } from "./rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { setupParameters } from "./stripe/requests.ts";
import { failure } from "../durable/failures.ts";
import type { SetupOutcome, SetupPaymentMethodRequest } from "./contract.ts";
import { readOwnSetup } from "./readSetup.ts";
import { declinedSetup } from "./outcome.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import type { Doorbell } from "../durable/wait.ts";

/** A SetupIntent that exists, as it was first seen. */
type CreatedSetup = {
  readonly setup: SetupSnapshot;
  /** How it was seen: in the answer to its creation, or by a read after that answer was lost. */
  readonly seenBy: Extract<SetupOutcome["settledBy"], "response" | "poll">;
  /** When the request was fixed, in epoch milliseconds: the beginning of the caller's deadline. */
  readonly fixedAtMs: number;
};

/**
 * Creates and confirms the SetupIntent of this invocation, once, whatever crashes when. The parameters, the idempotency key
 * and the time are fixed in the journal before anything is sent.
 * @throws TerminalError `invalid_request`, `declined` (no SetupIntent was made) or `needs_review`
 */
export async function createSetup(
  ctx: Context,
  stripe: StripeGateway,
  request: SetupPaymentMethodRequest,
  doorbell: Doorbell,
): Promise<CreatedSetup> {
  const invocationId = ctx.request().id;
  const idempotencyKey = ctx.rand.uuidv4();
  const fixed = await ctx.run("fix the request", () =>
    stripe.fixRequest(setupParameters(request, { invocationId, callbackId: doorbell.address }), idempotencyKey),
  );
  const { fixedAtMs } = fixed;
  const lookUp = () =>
    stripeStep(ctx, "look up SetupIntent", () => stripe.findSetups(request.customerId, invocationId, fixedAtMs));
  const reread = async (setupIntentId: string): Promise<CreatedSetup> => ({
    setup: await readOwnSetup(ctx, stripe, setupIntentId),
    seenBy: "poll",
    fixedAtMs,
  });

  const created = await stripeStep(ctx, "create SetupIntent", () => stripe.createSetup(fixed));
  switch (created.kind) {
    case "setup":
      return { setup: created.setup, seenBy: "response", fixedAtMs };
    case "exists":
      return await reread(created.setupIntentId);
    case "declined":
      throw declinedSetup(created.failure, { setupIntentId: null });
    case "refused": {
      const { message, ...refusal } = created.refusal;
      throw failure("invalid_request", message, { ...refusal, setupIntentId: created.setupIntentId });
    }
    case "needs_review": {
      const [found] = await lookUp();
      throw failure("needs_review", created.message, { setupIntentId: found ?? null });
    }
    case "unknown": {
      // The list shows what was just made, so one look tells.
      const [found, ...others] = await lookUp();
      if (found !== undefined && others.length === 0) return await reread(found);
      const message =
        found === undefined
          ? `Whether Stripe created the SetupIntent is unknown, and none with the metadata restate_invocation_id=${invocationId} was found.`
          : `One call seems to have made several SetupIntents: ${[found, ...others].join(", ")}.`;
      throw failure("needs_review", message, { setupIntentId: found ?? null });
    }
  }
}
