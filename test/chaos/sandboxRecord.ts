/** Reads Stripe's side of a run from the sandbox's file: its append-only tables, and the objects as they ended. */
import { DatabaseSync } from "node:sqlite";
import type { Stripe } from "stripe";
import { invocationIdKey, merchantKey } from "../../src/stripe/metadata.ts";
import type {
  ChargeRecord,
  MoneyEvent,
  PaymentRecord,
  Place,
  RefundRecord,
  RingRecord,
  StripeRecord,
} from "./records.ts";

type Objects = { payment_intent: Stripe.PaymentIntent; charge: Stripe.Charge; refund: Stripe.Refund };
type Row = Readonly<Record<string, string | number | null>>;

export class SandboxFile {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    // A sandbox that is writing must not make the reader fail.
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  }

  close(): void {
    this.#database.close();
  }

  /** What Stripe has still to do by itself within the next minute, and to deliver. */
  pending(): number {
    const soon = Date.now() + 60_000;
    return (
      this.#count("SELECT count(*) AS n FROM jobs WHERE due_at_ms <= ?", soon) +
      this.#count("SELECT count(*) AS n FROM deliveries WHERE state = 'pending'")
    );
  }

  record(): StripeRecord {
    const made = new Map(
      this.#rows(
        "SELECT object_id, min(at_ms) AS at_ms FROM requests WHERE method = 'POST' AND path = '/v1/payment_intents' AND object_id IS NOT NULL GROUP BY 1",
      ).map((row) => [String(row["object_id"]), Number(row["at_ms"])]),
    );
    return {
      payments: this.#objects("payment_intent").map(({ object, account }) =>
        paymentRecord(object, account, made.get(object.id) ?? null),
      ),
      charges: this.#objects("charge").map(({ object, account }) => chargeRecord(object, account)),
      refunds: this.#objects("refund").map(({ object, account }) => refundRecord(object, account)),
      events: this.#rows(
        "SELECT account, type, body FROM events WHERE type LIKE 'charge.%' OR type LIKE 'refund.%' ORDER BY seq",
      ).flatMap(moneyEvent),
      savedFailures: this.#rows(
        "SELECT path, object_id FROM requests WHERE fault IN ('error_500_saved', 'error_500_saved_after') AND idempotency_key IS NOT NULL AND status = 500",
        // One that was about to be refused did nothing either, whatever the fault.
      ).map((row) => ({ path: String(row["path"]), wasDone: row["object_id"] !== null })),
    };
  }

  /** When the events of an account were listed. */
  eventLists(): RingRecord["lists"] {
    return this.#rows("SELECT account, at_ms FROM requests WHERE path = '/v1/events' AND status = 200").map((row) => ({
      stripeAccount: String(row["account"]),
      atMs: Number(row["at_ms"]),
    }));
  }

  /** How often each fault fell, by its name. */
  faults(): ReadonlyMap<string, number> {
    const rows = this.#rows(
      `SELECT 'API ' || fault AS fault, count(*) AS n FROM requests WHERE fault IS NOT NULL GROUP BY 1
       UNION ALL SELECT 'webhook ' || fault, count(DISTINCT event_id) FROM deliveries WHERE fault IS NOT NULL GROUP BY 1`,
    );
    return new Map(rows.map((row) => [String(row["fault"]), Number(row["n"])]));
  }

  counts(): { readonly requests: number; readonly events: number; readonly deliveries: number } {
    const of = (table: string) => this.#count(`SELECT count(*) AS n FROM ${table}`);
    return { requests: of("requests"), events: of("events"), deliveries: of("deliveries") };
  }

  /** Everything in metadata, which must hold no secret. */
  *metadata(): Generator<Uint8Array> {
    const rows = this.#rows("SELECT coalesce(json_extract(body, '$.metadata'), '') AS metadata FROM objects");
    for (const row of rows) yield Buffer.from(`${row["metadata"]}\n`);
  }

  /** What the record says about some objects, with the time of each entry. */
  historyOf(objectIds: readonly string[]): readonly { readonly atMs: number; readonly line: string }[] {
    const list = objectIds.map(() => "?").join(", ");
    const events = this.#rows(
      `SELECT created, type, object_id, body FROM events WHERE object_id IN (${list}) ORDER BY seq`,
      ...objectIds,
    ).map((row) => {
      const shown = (JSON.parse(String(row["body"])) as { data: { object: { status?: string } } }).data.object;
      return {
        atMs: Number(row["created"]) * 1000,
        line: `stripe   ${row["type"]} ${row["object_id"]} (${shown.status ?? ""})`,
      };
    });
    const requests = this.#rows(
      `SELECT at_ms, method, path, status, replayed, fault, idempotency_key FROM requests WHERE object_id IN (${list}) ORDER BY seq`,
      ...objectIds,
    ).map((row) => ({
      atMs: Number(row["at_ms"]),
      line: `request  ${row["method"]} ${row["path"]} → ${row["status"] ?? "cut"}${row["replayed"] === 1 ? " (replayed)" : ""}${row["fault"] === null ? "" : ` [${row["fault"]}]`} ${row["idempotency_key"] ?? ""}`,
    }));
    return [...events, ...requests];
  }

  #objects<Kind extends keyof Objects>(
    kind: Kind,
  ): readonly { readonly object: Objects[Kind]; readonly account: string }[] {
    return this.#rows("SELECT account, body FROM objects WHERE kind = ? ORDER BY seq", kind).map((row) => ({
      object: JSON.parse(String(row["body"])) as Objects[Kind],
      account: String(row["account"]),
    }));
  }

  #count(sql: string, ...values: number[]): number {
    return Number((this.#database.prepare(sql).get(...values) as Row | undefined)?.["n"] ?? 0);
  }

  #rows(sql: string, ...values: string[]): readonly Row[] {
    return this.#database.prepare(sql).all(...values) as Row[];
  }
}

function paymentRecord(payment: Stripe.PaymentIntent, account: string, madeAtMs: number | null): PaymentRecord {
  const { id, status, metadata, amount, amount_received: amountReceived } = payment;
  return {
    id,
    place: placeOf(account, metadata),
    payment: metadata["payment"] ?? null,
    invocationId: metadata[invocationIdKey] ?? null,
    status,
    amount,
    amountReceived,
    metadata,
    madeAtMs,
  };
}

function placeOf(stripeAccount: string, metadata: Stripe.Metadata | null): Place {
  return { stripeAccount, merchant: metadata?.[merchantKey] ?? "default" };
}

function chargeRecord(charge: Stripe.Charge, stripeAccount: string): ChargeRecord {
  const { id, status, amount, captured, amount_captured: amountCaptured } = charge;
  const isTaken = captured && status === "succeeded";
  return {
    id,
    stripeAccount,
    paymentIntentId: idOf(charge.payment_intent),
    status,
    amount,
    amountCaptured: isTaken ? amountCaptured : 0,
  };
}

function refundRecord(refund: Stripe.Refund, account: string): RefundRecord {
  const { id, status, amount, metadata } = refund;
  return {
    id,
    place: placeOf(account, metadata),
    paymentIntentId: idOf(refund.payment_intent),
    status: status ?? "unknown",
    amount,
    invocationId: metadata?.[invocationIdKey] ?? null,
  };
}

function moneyEvent(row: Row): readonly MoneyEvent[] {
  const type = String(row["type"]);
  const account = String(row["account"]);
  const { object } = (
    JSON.parse(String(row["body"])) as { data: { object: Stripe.Charge | Stripe.Refund | Stripe.Dispute } }
  ).data;
  switch (object.object) {
    case "charge":
      return [{ type, kind: "charge", charge: chargeRecord(object, account) }];
    case "refund":
      return [{ type, kind: "refund", refund: refundRecord(object, account) }];
    case "dispute":
      return [];
  }
}

function idOf(reference: string | { readonly id: string } | null): string | null {
  return typeof reference === "object" ? (reference?.id ?? null) : reference;
}
