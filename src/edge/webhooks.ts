/**
 * Stripe's webhooks end at the edge: what is not genuine never reaches the engine, and what is costs it as little as it can. A ring is one
 * append; only an event of which a merchant may have to be told something starts a call, with the few fields that it needs.
 *
 * Stripe gets 2xx only after the engine has it all, and delivers again otherwise. https://docs.stripe.com/webhooks
 */
import { edgeServiceName } from "../api/edgeService.ts";
import { addressOf, keyOf } from "../merchants/rules.ts";
import { doorbellsOf, verifyWebhook } from "../webhooks/verification.ts";
import type { EngineClient } from "./engineClient.ts";
import { EdgeFailure, type Answer } from "./failures.ts";
import type { Installation } from "./installation.ts";
import type { EdgeMerchant } from "./merchants.ts";

const received: Answer = { status: 200, body: { received: true } };

/**
 * @param merchant whose address it came to: no secret of another one counts
 * @throws EdgeFailure `invalid_request` for a missing, malformed, wrong or old signature; EngineUnavailable, EngineLost
 */
export async function takeWebhook(
  { engine, installation }: { readonly engine: EngineClient; readonly installation: Installation },
  merchant: EdgeMerchant,
  rawBody: Uint8Array,
  signature: string | undefined,
): Promise<Answer> {
  const webhook = verifyWebhook(rawBody, signature, [merchant], Date.now());
  if (webhook.kind === "refused") throw new EdgeFailure("invalid_request", webhook.message);
  // A Connect endpoint of live mode gets test events, too.
  if (webhook.mode !== null && webhook.mode !== merchant.mode) return received;
  const { telltale, eventId, stripeAccount } = webhook;
  const account = { merchant: merchant.id, stripeAccount };
  await Promise.all([
    ...doorbellsOf(webhook).map((address) => engine.ring(address)),
    ...(telltale !== null && installation.mayTell()
      ? [
          engine.send({
            target: { service: edgeServiceName, handler: "takeNews" },
            // Endpoints of two merchants at one Stripe account get the same event, and each merchant is told.
            engineKey: eventId === null ? null : keyOf(account, eventId),
            edgeHeader: null,
            body: JSON.stringify({ ...addressOf(account), ...telltale }),
          }),
        ]
      : []),
  ]);
  return received;
}
