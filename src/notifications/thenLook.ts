/** Asking for a look at a payment: by whoever has a reason to believe that something is new about it. Nobody waits for it. */
import { TerminalError, type Context } from "@restatedev/restate-sdk";
import type { NotificationsOptions } from "./options.ts";
import type { LookRequest, PaymentNotifier } from "./paymentNotifier.ts";

/** Asks for a look, if there is anybody to be told. */
export function askForLook(
  ctx: Context,
  { receiver }: NotificationsOptions,
  paymentIntentId: string,
  request: LookRequest,
): void {
  if (receiver === null) return;
  ctx.objectSendClient<PaymentNotifier>({ name: "paymentNotifier" }, paymentIntentId).look(request);
}

/**
 * Makes a handler ask for a look when it ends, however it ends: by an answer or by a failure that names its PaymentIntent.
 * @param changes what the handler may have changed beside the payment itself
 */
export function thenLook<Own extends Context, Request, Outcome extends { readonly paymentIntentId: string | null }>(
  options: NotificationsOptions,
  changes: LookRequest["changes"],
  handler: (ctx: Own, request: Request) => Promise<Outcome>,
): (ctx: Own, request: Request) => Promise<Outcome> {
  return async (ctx, request) => {
    const lookAt = (paymentIntentId: string, abandoned: boolean) =>
      askForLook(ctx, options, paymentIntentId, { changes, askedBy: "ours", abandoned });
    try {
      const outcome = await handler(ctx, request);
      if (outcome.paymentIntentId !== null) lookAt(outcome.paymentIntentId, false);
      return outcome;
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      const { paymentIntentId, compensation } = error.metadata ?? {};
      if (paymentIntentId !== undefined) lookAt(paymentIntentId, compensation === "watching");
      throw error;
    }
  };
}
