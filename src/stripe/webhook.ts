import { Stripe } from "stripe";
import { z } from "zod";
import { isClosedDispute } from "../domain/dispute.ts";
import type { LaterChange } from "../domain/dueNotifications.ts";
import { ringingEventTypes, telltaleEventTypes } from "./webhookEvents.ts";

/** What a webhook is to us: who may be waiting for it, or why it is refused. */
export type VerifiedWebhook =
  | {
      readonly kind: "genuine";
      readonly eventType: string;
      readonly metadata: Readonly<Record<string, string>>;
      readonly telltale: Telltale | null;
    }
  | { readonly kind: "refused"; readonly message: string };

/** Of which payment something may be new, and where to look for it. Whether it is, and what, is for Stripe to say. */
type Telltale = { readonly paymentIntentId: string; readonly changes: readonly LaterChange[] };

const paymentIntentIdShape = z
  .string()
  .max(255)
  .regex(/^pi_[A-Za-z0-9_]+$/)
  .nullish()
  .catch(null);

/** All that a ring or a look needs of an event. Everything else in it is data from the past: who wakes reads Stripe. */
const eventShape = z.object({
  type: z.string(),
  data: z
    .object({
      object: z.object({
        id: paymentIntentIdShape,
        payment_intent: paymentIntentIdShape,
        status: z.string().nullish().catch(null),
        metadata: z.record(z.string(), z.string()).nullish().catch(null),
      }),
      previous_attributes: z.record(z.string(), z.unknown()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

/** 0 switches Stripe's age check off, see `verifyWebhook`. */
const noAgeLimit = 0;

/**
 * Verifies Stripe's signature over the raw body and tells whose doorbells the event rings: the metadata of its object, or
 * none where the event type is not one that ends a wait; and of which payment something may be new.
 *
 * Every configured secret is tried, because a secret in rotation and a Connect endpoint sign with one of their own. The
 * comparison is constant-time (Stripe's own). There is no age limit: the engine may run the handler hours after it
 * accepted the request, and a replay only makes a waiting call read Stripe once more.
 *
 * https://docs.stripe.com/webhooks/signature
 */
export function verifyWebhook(
  rawBody: Uint8Array,
  signatureHeader: string | undefined,
  secrets: readonly string[],
): VerifiedWebhook {
  if (signatureHeader === undefined || signatureHeader === "") {
    return { kind: "refused", message: "The stripe-signature header is missing." };
  }
  if (!/(?:^|,)\s*t=\d+\s*(?:,|$)/.test(signatureHeader) || !/(?:^|,)\s*v1=[^,\s]/.test(signatureHeader)) {
    return { kind: "refused", message: "The stripe-signature header is malformed: it has no t=… or no v1=… part." };
  }
  const text = exactTextOf(rawBody);
  if (text === undefined || !secrets.some((secret) => isSignedWith(text, signatureHeader, secret))) {
    return {
      kind: "refused",
      message:
        "The signature matches none of the configured webhook secrets. Compare STRIPE_WEBHOOK_SECRET with the endpoint's signing secret.",
    };
  }
  const event = eventShape.safeParse(parseJson(text));
  if (!event.success) return { kind: "refused", message: "The body is signed, but it is not a Stripe event." };
  const rings = ringingEventTypes.includes(event.data.type) && !isEcho(event.data);
  return {
    kind: "genuine",
    eventType: event.data.type,
    metadata: (rings ? event.data.data?.object.metadata : null) ?? {},
    telltale: telltaleOf(event.data),
  };
}

/**
 * Hanging a doorbell is itself an update, and must not ring it: it would be hung again for that, and so on. Stripe names
 * what an update changed; a dispute that isn't closed has no news for us anyway.
 * https://docs.stripe.com/api/events/object#event_object-data-previous_attributes
 */
function isEcho({ type, data }: z.output<typeof eventShape>): boolean {
  if (type === "charge.dispute.updated" && !isClosedDispute(data?.object.status ?? "")) return true;
  const changed = Object.keys(data?.previous_attributes ?? {});
  return changed.length > 0 && changed.every((field) => field === "metadata");
}

/** A PaymentIntent's own event names it by its id, an event about anything else by a reference. */
function telltaleOf({ type, data }: z.output<typeof eventShape>): Telltale | null {
  const changes = Object.hasOwn(telltaleEventTypes, type) ? telltaleEventTypes[type] : undefined;
  const paymentIntentId = type.startsWith("payment_intent.") ? data?.object.id : data?.object.payment_intent;
  if (changes === undefined || paymentIntentId === null || paymentIntentId === undefined) return null;
  return { paymentIntentId, changes };
}

/**
 * The body as a text that is encoded to the very same bytes, or undefined where there is none. Stripe's client, given bytes,
 * drops a byte order mark and replaces what is damaged before it compares, so that it takes bytes that nobody signed.
 */
function exactTextOf(rawBody: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(rawBody);
  } catch {
    return undefined;
  }
}

function isSignedWith(text: string, signatureHeader: string, secret: string): boolean {
  try {
    return Stripe.webhooks.signature?.verifyHeader(text, signatureHeader, secret, noAgeLimit) ?? false;
  } catch {
    // A mismatch is thrown as StripeSignatureVerificationError, a header that it can't parse as other errors. None is a
    // reason to run this handler again, and nothing that threw is verified.
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
