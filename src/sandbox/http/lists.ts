import type { SQLInputValue } from "node:sqlite";
import { missing, refusal } from "./apiError.ts";
import type { ApiCall } from "./endpoint.ts";
import type { Parameters } from "./parameters.ts";
import type { Row } from "../world/store.ts";
import { namesOf, type StoredKind } from "../world/storedObjects.ts";

/** A page of objects, newest first, as every list of Stripe's is. https://docs.stripe.com/api/pagination */
export type Page = {
  readonly object: "list";
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly unknown[];
};

export type Condition = { readonly sql: string; readonly values: readonly SQLInputValue[] };

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

/** Lists one kind of object; every parameter beside those of paging names a field, and the value that it must hold. */
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
