import type { Store } from "./store.ts";

/**
 * How an older API version shows an authorization that expired: `cancellation_reason` is `automatic`, and the Charge looks
 * refunded. Since this version the reason is `expired`, and `refunded` and `amount_refunded` are left alone. The store holds
 * the newer form. https://docs.stripe.com/changelog/basil#2025-03-31.basil
 */
const EXPIRED_SINCE = "2025-03-31";

/** The JSON of an answer as a version shows it. Events in it keep the form of the account's version. */
export function shownIn(version: string, json: string, store: Store): string {
  return version >= EXPIRED_SINCE ? json : JSON.stringify(olderForm(JSON.parse(json), store));
}

/** The JSON of an event that is delivered, as the endpoint's version shows it. */
export function eventShownIn(version: string, json: string, store: Store): string {
  if (version >= EXPIRED_SINCE) return json;
  const event = JSON.parse(json) as { readonly data: { readonly object: unknown } };
  return JSON.stringify({ ...event, data: { ...event.data, object: olderForm(event.data.object, store) } });
}

function olderForm(value: unknown, store: Store): unknown {
  if (Array.isArray(value)) return value.map((item) => olderForm(item, store));
  if (typeof value !== "object" || value === null) return value;
  const shown = value as Readonly<Record<string, unknown>>;
  if (shown["object"] === "event") return value;
  const older = Object.fromEntries(
    Object.entries(shown).map(([name, item]) => [name, name === "metadata" ? item : olderForm(item, store)]),
  );
  if (shown["object"] === "payment_intent" && shown["cancellation_reason"] === "expired") {
    return { ...older, cancellation_reason: "automatic" };
  }
  if (shown["object"] === "charge" && isOfExpired(shown, store)) {
    return { ...older, amount_refunded: shown["amount"], refunded: true };
  }
  return older;
}

function isOfExpired({ captured, payment_intent: named }: Readonly<Record<string, unknown>>, store: Store): boolean {
  if (captured !== false || named === null) return false;
  const id = typeof named === "string" ? named : (named as { readonly id: string }).id;
  const sql = "SELECT json_extract(body, '$.cancellation_reason') AS reason FROM objects WHERE id = ?";
  return store.row(sql, id)?.["reason"] === "expired";
}
