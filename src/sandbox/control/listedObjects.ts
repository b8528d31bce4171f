import type { Row, Store } from "../world/store.ts";
import type { StoredKind } from "../world/storedObjects.ts";

/** An object as the lists show it: whatever kind it is, with the fields that most kinds have. */
export type ListedObject = {
  readonly seq: number;
  readonly id: string;
  readonly kind: StoredKind;
  readonly account: string;
  readonly createdMs: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The latest Charge of a PaymentIntent: what it was refunded, whether it is disputed. */
  readonly charge: Readonly<Record<string, unknown>> | null;
};

export const KINDS: readonly StoredKind[] = [
  "payment_intent",
  "charge",
  "refund",
  "dispute",
  "transfer",
  "application_fee",
  "checkout.session",
  "payment_link",
  "setup_intent",
  "customer",
  "payment_method",
  "customer_cash_balance_transaction",
  "product",
  "price",
  "account",
];

const LISTED = `SELECT objects.*, charges.body AS charge_body FROM objects LEFT JOIN objects AS charges
  ON objects.kind = 'payment_intent' AND charges.id = json_extract(objects.body, '$.latest_charge')`;
/** Ids are text of these characters; none of them is greater than this one. */
const AFTER_ALL = "~";

export type ObjectFilter = { readonly kind: string | null; readonly search: string; readonly before: number | null };

/**
 * Newest first; of every kind, save the payment methods that come with each payment, unless a kind is named. A search is
 * for the beginning of an id, which says the kind, too, and gives them in the order of ids, which is that of time.
 */
export function findObjects(store: Store, { kind, search, before }: ObjectFilter, limit: number): ListedObject[] {
  const upTo = before ?? Number.MAX_SAFE_INTEGER;
  const rows =
    search !== ""
      ? store.rows(
          `${LISTED} WHERE objects.id >= ? AND objects.id < ? AND objects.kind <> 'order' ORDER BY objects.id DESC LIMIT ?`,
          search,
          search + AFTER_ALL,
          limit,
        )
      : kind !== null
        ? store.rows(
            `${LISTED} WHERE objects.kind = ? AND objects.seq < ? ORDER BY objects.seq DESC LIMIT ?`,
            kind,
            upTo,
            limit,
          )
        : store.rows(
            `${LISTED} WHERE objects.kind NOT IN ('order', 'payment_method') AND objects.seq < ? ORDER BY objects.seq DESC LIMIT ?`,
            upTo,
            limit,
          );
  return rows.map(readListed);
}

export function findObject(store: Store, id: string): ListedObject | null {
  const row = store.row(`${LISTED} WHERE objects.id = ? AND objects.kind <> 'order'`, id);
  return row === undefined ? null : readListed(row);
}

/** The objects that name this one, and those that it names: a payment's Charge, refunds, disputes and Customer. */
export function findRelated(store: Store, { id, body }: ListedObject, limit: number): ListedObject[] {
  const named = ["payment_intent", "charge", "customer", "payment_method", "latest_charge"].flatMap((field) =>
    typeof body[field] === "string" ? [body[field]] : [],
  );
  const rows = ["payment_intent", "charge", "customer"].flatMap((column) =>
    store.rows(`${LISTED} WHERE objects.${column} = ? ORDER BY objects.seq DESC LIMIT ?`, id, limit),
  );
  const related = named.flatMap((other) => findObject(store, other) ?? []).concat(rows.map(readListed));
  const byId = new Map(related.filter(({ kind }) => kind !== "order").map((object) => [object.id, object]));
  byId.delete(id);
  return [...byId.values()].toSorted((one, other) => other.seq - one.seq).slice(0, limit);
}

function readListed(row: Row): ListedObject {
  const charge = row["charge_body"];
  return {
    seq: Number(row["seq"]),
    id: String(row["id"]),
    kind: row["kind"] as StoredKind,
    account: String(row["account"]),
    createdMs: Number(row["created_at_ms"]),
    body: JSON.parse(String(row["body"])) as ListedObject["body"],
    charge: typeof charge === "string" ? (JSON.parse(charge) as ListedObject["body"]) : null,
  };
}
