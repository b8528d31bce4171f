/** Asking for a look at a payment: by whoever has a reason to believe that something is new about it. Nobody waits for it. */
import { TerminalError, type Context } from "@restatedev/restate-sdk";
import type { Call } from "../durable/call.ts";
import { asFailure } from "../durable/failures.ts";
import { keyOf, type Account } from "../merchants/rules.ts";
import { paymentNotifierInterface, type LookRequest } from "./interface.ts";

/** @param from.account of which the payment is */
export function askForLook(
  { ctx, account }: { readonly ctx: Context; readonly account: Account },
  paymentIntentId: string,
  request: LookRequest,
): void {
  ctx.sendClient(paymentNotifierInterface, keyOf(account, paymentIntentId)).look(request);
}

/**
 * Makes a handler ask for a look when it ends, however it ends: by an answer or by a failure that names its PaymentIntent.
 * Whether there is anybody to be told is what its last step recorded.
 * @param changes what the handler may have changed beside the payment itself
 */
export function thenLook<Own extends Call, Request, Outcome extends { readonly paymentIntentId: string | null }>(
  changes: LookRequest["changes"],
  handler: (call: Own, request: Request) => Promise<Outcome>,
): (call: Own, request: Request) => Promise<Outcome> {
  return async (call, request) => {
    const lookAt = (paymentIntentId: string, abandoned: boolean) => {
      if (call.isMerchantTold()) askForLook(call, paymentIntentId, { changes, askedBy: "ours", abandoned });
    };
    try {
      const outcome = await handler(call, request);
      if (outcome.paymentIntentId !== null) lookAt(outcome.paymentIntentId, false);
      return outcome;
    } catch (thrown) {
      const error = asFailure(thrown, request);
      if (!(error instanceof TerminalError)) throw error;
      const { paymentIntentId, compensation } = error.metadata ?? {};
      if (paymentIntentId !== undefined) lookAt(paymentIntentId, compensation === "watching");
      throw error;
    }
  };
}
