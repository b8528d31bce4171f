import type { SQLInputValue } from "node:sqlite";
import type { Stripe } from "stripe";
import { missing, refusal } from "./apiError.ts";
import type { ApiCall } from "./endpoint.ts";
import type { Parameters } from "./parameters.ts";
import { namesOf, type Row, type Store, type StoredKind } from "../world/store.ts";

/** A page of objects, newest first, as every list of Stripe's is. https://docs.stripe.com/api/pagination */
type Page = {
  readonly object: "list";
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly unknown[];
};

type Condition = { readonly sql: string; readonly values: readonly SQLInputValue[] };

/** The fields that have a column of their own. */
const COLUMNS = ["payment_intent", "charge", "customer"];

/** An open Session doesn't show the PaymentIntent of its failed attempts, and is found by it all the same. */
const SPECIAL: Readonly<Partial<Record<StoredKind, Readonly<Record<string, string>>>>> = {
  "checkout.session": {
    payment_intent: `id IN (SELECT substr(id, length('order_of_') + 1) FROM objects WHERE payment_intent = ? AND kind = 'order')`,
  },
};

/** These don't filter. */
const PAGING = ["created", "ending_before", "expand", "limit", "starting_after"];

/** Lists one kind of object; every other parameter is the name of a field, and what that must hold. */
export function listObjects(kind: StoredKind) {
  return (call: ApiCall): Page => {
    const conditions: Condition[] = [];
    for (const field of call.parameters.names().filter((name) => !PAGING.includes(name))) {
      const value = call.parameters.string(field) ?? call.parameters.boolean(field);
      if (value === undefined) throw refusal(`This sandbox doesn't filter by ${field}.`, { param: field });
      const plain = COLUMNS.includes(field) ? `${field} = ?` : `json_extract(body, '$.${field}') = ?`;
      const sql = SPECIAL[kind]?.[field] ?? plain;
      conditions.push({ sql, values: [typeof value === "boolean" ? Number(value) : value] });
    }
    return listRows(
      call,
      "objects",
      namesOf(kind).noun,
      conditions,
      (row) => JSON.parse(String(row["body"])) as unknown,
      [{ sql: "kind = ?", values: [kind] }],
    );
  };
}

/** A short list that is given whole, as those inside another object are. */
export function wholeList(call: ApiCall, data: readonly unknown[]): Page {
  return { object: "list", url: call.path, has_more: false, data };
}

/** Every event, with the deliveries that are still to be made. https://docs.stripe.com/api/events/list */
export function listEvents(call: ApiCall): Page {
  const { parameters } = call;
  const conditions: Condition[] = [];
  const types = parameters.list("types") ?? (parameters.has("type") ? [parameters.string("type") ?? ""] : []);
  if (parameters.has("types") && parameters.has("type")) {
    throw refusal("You may only specify one of these parameters: type, types.", { code: "parameters_exclusive" });
  }
  if (types.length > 0) {
    conditions.push({ sql: `(${types.map(() => "type GLOB ?").join(" OR ")})`, values: types });
  }
  const delivered = parameters.boolean("delivery_success");
  if (delivered !== undefined) {
    // An endpoint that took the event at last, say after a resend, counts as a success.
    const failed = `EXISTS (SELECT 1 FROM deliveries AS failed WHERE event_id = events.id AND state <> 'delivered' AND NOT
      EXISTS (SELECT 1 FROM deliveries WHERE event_id = events.id AND endpoint_id = failed.endpoint_id AND state = 'delivered'))`;
    conditions.push({ sql: delivered ? `NOT ${failed}` : failed, values: [] });
  }
  return listRows(call, "events", "event", conditions, (row) => readEvent(call, row));
}

export function retrieveEvent(call: ApiCall): Stripe.EventBase {
  const row = call.store.row("SELECT * FROM events WHERE id = ? AND account = ?", call.id, call.unit.account);
  if (row === undefined) throw missing("event", call.id, "id", 404);
  return readEvent(call, row);
}

function readEvent({ store }: ApiCall, row: Row): Stripe.EventBase {
  const event = JSON.parse(String(row["body"])) as Stripe.EventBase;
  return { ...event, pending_webhooks: pendingWebhooks(store, event.id) };
}

/** To how many endpoints the event is still to be delivered. */
export function pendingWebhooks(store: Store, eventId: string): number {
  const sql = "SELECT count(DISTINCT endpoint_id) AS n FROM deliveries WHERE event_id = ? AND state = 'pending'";
  return Number(store.row(sql, eventId)?.["n"]);
}

export function listRows(
  call: ApiCall,
  table: "objects" | "events" | "webhook_endpoints",
  noun: string,
  filters: readonly Condition[],
  read: (row: Row) => unknown,
  within: readonly Condition[] = [],
): Page {
  const { parameters, store, unit } = call;
  const limit = readLimit(parameters);
  const listed = [{ sql: "account = ?", values: [unit.account] }, ...within];
  const conditions = [...listed, ...filters, ...readCreated(parameters)];
  if (parameters.has("starting_after") && parameters.has("ending_before")) {
    throw refusal("You may only specify one of these parameters: ending_before, starting_after.", {
      code: "parameters_exclusive",
    });
  }
  const endingBefore = parameters.string("ending_before");
  for (const [param, comparison] of [
    ["starting_after", "<"],
    ["ending_before", ">"],
  ] as const) {
    const id = parameters.string(param);
    if (id === undefined) continue;
    const { sql, values } = join([...listed, { sql: "id = ?", values: [id] }]);
    const seq = store.row(`SELECT seq FROM ${table} WHERE ${sql}`, ...values)?.["seq"];
    if (seq === undefined || seq === null) throw missing(noun, id, param);
    conditions.push({ sql: `seq ${comparison} ?`, values: [seq] });
  }
  const order = endingBefore === undefined ? "DESC" : "ASC";
  const { sql: where, values } = join(conditions);
  const rows = store.rows(`SELECT * FROM ${table} WHERE ${where} ORDER BY seq ${order} LIMIT ?`, ...values, limit + 1);
  const shown = rows.slice(0, limit);
  if (endingBefore !== undefined) shown.reverse();
  return { object: "list", url: call.path, has_more: rows.length > limit, data: shown.map((row) => read(row)) };
}

function join(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => sql).join(" AND "),
    values: conditions.flatMap(({ values }) => values),
  };
}

export function readLimit(parameters: Parameters): number {
  const limit = parameters.integer("limit") ?? 10;
  if (limit >= 1 && limit <= 100) return limit;
  const message =
    limit < 1 ? "This value must be greater than or equal to 1." : "This value must be less than or equal to 100.";
  throw refusal(message, { code: "parameter_invalid_integer", param: "limit" });
}

const COMPARISONS = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

function readCreated(parameters: Parameters): Condition[] {
  const exactly = parameters.integer("created");
  if (exactly !== undefined) return [{ sql: "created = ?", values: [exactly] }];
  const range = parameters.hash("created");
  return Object.entries(COMPARISONS).flatMap(([name, comparison]) => {
    const value = range?.integer(name);
    return value === undefined ? [] : [{ sql: `created ${comparison} ?`, values: [value] }];
  });
}
