import type { Context } from "@restatedev/restate-sdk";
import { invalidField } from "../durable/failures.ts";
import { allMerchants, merchantOf, type HandlerOptions } from "../merchants/options.ts";
import { askForLook } from "../notifications/thenLook.ts";
import { doorbellsOf, verifyWebhook } from "./verification.ts";

/**
 * Takes one of Stripe's webhooks: verifies the signature over the raw body, rings whoever waits, and asks for a look at a payment of
 * which the merchant may have to be told something. https://docs.stripe.com/webhooks
 *
 * It records nothing: a replay under other settings rings again, or ends as a failure that makes Stripe deliver again.
 * @throws TerminalError `invalid_request` for a missing, malformed or wrong signature
 */
export async function processWebhook(
  ctx: Context,
  options: HandlerOptions,
  rawBody: Uint8Array,
): Promise<{ received: true }> {
  const webhook = verifyWebhook(rawBody, ctx.request().headers.get("stripe-signature"), allMerchants(options));
  if (webhook.kind === "refused") throw invalidField("stripe-signature", webhook.message, {});
  for (const address of doorbellsOf(webhook)) ctx.resolveAwakeable(address);
  const { telltale, stripeAccount } = webhook;
  if (telltale === null) return { received: true };
  const { paymentIntentId, changes } = telltale;
  for (const merchant of webhook.merchants) {
    if ((merchantOf(options, merchant)?.receiver ?? null) === null) continue;
    askForLook({ ctx, account: { merchant, stripeAccount } }, paymentIntentId, {
      changes,
      askedBy: "webhook",
      abandoned: false,
    });
  }
  return { received: true };
}
