import { Stripe } from "stripe";
import type { Merchant } from "../merchants/options.ts";
import { doorbellAddresses } from "../stripe/metadata.ts";
import { mayConcern, newsOfEvent, type EventNews } from "./eventNews.ts";

/** Stripe's own tolerance. https://docs.stripe.com/webhooks/signature#replay-prevention */
const maximumAgeMs = 5 * 60_000;

/** What a webhook is to us: who may be waiting for it, or why it is refused. */
export type VerifiedWebhook =
  | ({ readonly kind: "genuine" } & VerifiedNews)
  | { readonly kind: "refused"; readonly message: string };

/** An event, and whose it is: the merchants whose secrets it is signed with, but for those that it can't concern. */
type VerifiedNews = EventNews & { readonly merchants: readonly string[] };

/** A merchant, with the secrets of the endpoints at its Stripe account. */
export type Signatory = Pick<Merchant, "id" | "webhookSecrets">;

/** 0 switches Stripe's age check off, see `verifyWebhook`. */
const noAgeLimit = 0;

/**
 * Verifies Stripe's signature over the raw body and tells whose doorbells the event rings: the metadata of its object, or
 * none where the event type is not one that ends a wait; and of which payment something may be new.
 *
 * Every configured secret is tried, because a secret in rotation and a Connect endpoint sign with one of their own, and the secret says
 * whose event it is. The
 * comparison is constant-time (Stripe's own). The handler knows no age limit: the engine may run it hours after it
 * accepted the request, and a replay only makes a waiting call read Stripe once more. The edge, which sees the request when it
 * comes, gives its clock: Stripe's five minutes then count in both directions.
 *
 * https://docs.stripe.com/webhooks/signature
 * @param known the merchants whose secrets count
 * @param receivedAtMs when it was received, in epoch milliseconds; null where nobody knows
 */
export function verifyWebhook(
  rawBody: Uint8Array,
  signatureHeader: string | undefined,
  known: readonly Signatory[],
  receivedAtMs: number | null = null,
): VerifiedWebhook {
  if (signatureHeader === undefined || signatureHeader === "") {
    return { kind: "refused", message: "The stripe-signature header is missing." };
  }
  if (!/(?:^|,)\s*t=\d+\s*(?:,|$)/.test(signatureHeader) || !/(?:^|,)\s*v1=[^,\s]/.test(signatureHeader)) {
    return { kind: "refused", message: "The stripe-signature header is malformed: it has no t=… or no v1=… part." };
  }
  const [signedAt, ...others] = signatureHeader.match(/(?<=^|,)\s*t=[^,]*/g) ?? [];
  const signedAtMs = Number(signedAt?.trim().slice("t=".length)) * 1000;
  if (others.length > 0 || !Number.isSafeInteger(signedAtMs)) {
    return { kind: "refused", message: "The stripe-signature header is malformed: its t=… is no time." };
  }
  if (receivedAtMs !== null && Math.abs(receivedAtMs - signedAtMs) > maximumAgeMs) {
    const message =
      "The signature is more than five minutes old, or from the future. Is the clock of this machine right?";
    return { kind: "refused", message };
  }
  const text = exactTextOf(rawBody);
  const signatories =
    text === undefined ? [] : known.filter((merchant) => isSignedFor(text, signatureHeader, merchant));
  if (text === undefined || signatories.length === 0) {
    return {
      kind: "refused",
      message:
        "The signature matches none of the configured webhook secrets. Compare STRIPE_WEBHOOK_SECRET, or the merchant's webhookSecrets in MERCHANTS_FILE, with the endpoint's signing secret.",
    };
  }
  const news = newsOfEvent(parseJson(text));
  if (news === null) return { kind: "refused", message: "The body is signed, but it is not a Stripe event." };
  // What one of them made is of concern to that one alone.
  const merchants = signatories.map(({ id }) => id).filter((id) => mayConcern(news, id));
  return { kind: "genuine", ...news, merchants };
}

/** The doorbells that an event rings. Metadata is data from outside: only the form of an address that is safe to resolve counts. */
export function doorbellsOf({ merchants, metadata }: Pick<VerifiedNews, "merchants" | "metadata">): readonly string[] {
  return merchants.length === 0 ? [] : doorbellAddresses(metadata);
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

function isSignedFor(text: string, signatureHeader: string, { webhookSecrets }: Signatory): boolean {
  return webhookSecrets.some((secret) => isSignedWith(text, signatureHeader, secret));
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
