/**
 * Whoever can reach the ingress, or stands at the road from Stripe: forges webhooks, replays genuine ones, sends foreign
 * ones, and rings the doorbells it reads in them with a false success.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Stripe } from "stripe";
import type { MerchantName } from "./accounts.ts";
import type { Dice } from "./dice.ts";
import type { RigMerchant } from "./merchants.ts";
import { metadataIn, type Seen, type WebhookRoad } from "./webhookRoad.ts";

const tricks = [
  "wrong secret",
  "changed body",
  "cut body",
  "no signature",
  "another's signature",
  "another merchant's secret",
  "another merchant's event",
  "doorbell rung with a false success",
  "doorbell rejected",
  "foreign event",
  "genuine event replayed",
] as const;
type Trick = (typeof tricks)[number];

/** One attempt and the status it was answered with; null for none. */
export type Attempt = { readonly trick: Trick; readonly status: number | null };

export type Intruder = { readonly attempts: readonly Attempt[]; run(until: AbortSignal): Promise<void> };

export function createIntruder(around: {
  readonly road: WebhookRoad;
  readonly ingressUrl: string;
  /** Their signing secrets are what somebody has who is one of them, and what was stolen before the last rotation. */
  readonly merchants: readonly RigMerchant[];
  readonly dice: Dice;
}): Intruder {
  const { road, ingressUrl, merchants, dice } = around;
  const attempts: Attempt[] = [];

  async function attempt(trick: Trick, genuine: Seen, other: Seen): Promise<number | null> {
    const { merchant, body, signature } = genuine;
    switch (trick) {
      case "wrong secret":
        return await road.deliver({ merchant, body: success(body), signature: sign(success(body), "whsec_of_nobody") });
      case "changed body":
        return await road.deliver({ merchant, body: `${success(body)} `, signature });
      case "cut body":
        return await road.deliver({ merchant, body: body.slice(0, -dice.integer(1, body.length - 1)), signature });
      case "no signature":
        return await road.deliver({ merchant, body, signature: null });
      case "another's signature":
        // A webhook that is sent twice in a second may be signed alike.
        return other.signature === signature || other.body === body
          ? null
          : await road.deliver({ merchant, body, signature: other.signature });
      // No secret of one merchant counts at the address of another one.
      case "another merchant's secret":
        return await road.deliver({ merchant, body, signature: sign(body, secretOf(stranger(merchant))) }, "edge");
      // What is genuine, and about another merchant's payment, is taken and has no effect.
      case "another merchant's event": {
        const [lie, liar] = [success(body), stranger(merchant)];
        return await road.deliver({ merchant: liar.id, body: lie, signature: sign(lie, secretOf(liar)) });
      }
      case "doorbell rung with a false success":
        return await ring(genuine, "resolve");
      case "doorbell rejected":
        return await ring(genuine, "reject");
      case "foreign event": {
        const foreign = foreignEvent(dice, genuine);
        const taker = dice.pick(merchants);
        const secret = taker.webhookSecrets.at(-1) ?? "";
        return await road.deliver({ merchant: taker.id, body: foreign, signature: sign(foreign, secret) });
      }
      case "genuine event replayed":
        return await road.deliver(genuine);
    }
  }

  function stranger(merchant: MerchantName): RigMerchant {
    return dice.pick(merchants.filter(({ id }) => id !== merchant));
  }

  async function ring(genuine: Seen, how: "resolve" | "reject"): Promise<number | null> {
    const address = metadataIn(genuine.body)["restate_callback_id"];
    if (address?.startsWith("sign_1") !== true) return null;
    const response = await fetch(`${ingressUrl}/restate/awakeables/${address}/${how}`, {
      method: "POST",
      ...(how === "resolve"
        ? { headers: { "content-type": "application/json" }, body: JSON.stringify(falseSuccess) }
        : { headers: { "content-type": "text/plain" }, body: "The payment has failed." }),
      signal: AbortSignal.timeout(10_000),
    });
    await response.body?.cancel();
    return response.status;
  }

  /** Another merchant has the news first: who is woken by it is woken too early. */
  async function comeFirst(genuine: Seen): Promise<void> {
    if (metadataIn(genuine.body)["restate_callback_id"] === undefined || !dice.chance(comesFirst)) return;
    const trick = "another merchant's event";
    attempts.push({ trick, status: await attempt(trick, genuine, genuine).catch(() => null) });
    await delay(headStartMs);
  }

  return {
    attempts,
    async run(until) {
      road.ambush(async (genuine) => (until.aborted ? undefined : await comeFirst(genuine)));
      while (!until.aborted) {
        await delay(dice.integer(30, 200));
        const { seen } = road;
        if (seen.length === 0) continue;
        const trick = dice.pick(tricks);
        // The newest are those that somebody waits for.
        const genuine = dice.chance(0.5) ? seen.at(-1) : dice.pick(seen);
        const status = genuine === undefined ? null : await attempt(trick, genuine, dice.pick(seen)).catch(() => null);
        attempts.push({ trick, status });
      }
    },
  };
}

/** Before how many genuine webhooks another merchant has the same event, and how long before: longer than the engine's clock may be late. */
const comesFirst = 0.08;
const headStartMs = 2500;

const falseSuccess = { status: "succeeded", amountReceived: 1, chargeId: "ch_forged" };

function secretOf({ webhookSecrets }: RigMerchant): string {
  return webhookSecrets[0] ?? "";
}

function sign(payload: string, secret: string): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret });
}

/** The same event, but that it says it went well. */
function success(body: string): string {
  return body
    .replace(/"status":"\w+"/, '"status":"succeeded"')
    .replace(/"type":"payment_intent\.\w+"/, '"type":"payment_intent.succeeded"');
}

/** A genuine event about an object of somebody else, with doorbells that are damaged, or somebody's here. */
function foreignEvent(dice: Dice, genuine: Seen): string {
  const addresses = [
    "sign_1",
    "../../restate/health",
    `sign_1${"A".repeat(38)}`,
    `prom_1${"z".repeat(38)}`,
    metadataIn(genuine.body)["restate_callback_id"] ?? "",
  ];
  const id = `pi_foreign${dice.integer(0, 1_000_000)}`;
  return JSON.stringify({
    id: `evt_foreign${dice.integer(0, 1_000_000)}`,
    object: "event",
    api_version: "2026-10-28.endive",
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    pending_webhooks: 1,
    request: null,
    type: dice.pick(["payment_intent.succeeded", "payment_intent.canceled", "payment_intent.payment_failed"]),
    data: { object: { id, object: "payment_intent", metadata: { restate_callback_id: dice.pick(addresses) } } },
  });
}
