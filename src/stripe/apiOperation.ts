/**
 * An operation of Stripe's API, and how urgent a request for it is. Stripe limits each operation by itself: `POST /v1/payment_intents` and
 * `GET /v1/payment_intents/{id}` are two, whatever the id is. https://docs.stripe.com/rate-limits
 */

/**
 * Who goes before whom where requests have to wait:
 * - `first`: makes something or moves money, for a caller who waits;
 * - `soon`: reads or updates one object that somebody waits for, after a ring for one;
 * - `later`: a poll, a look-up or a list.
 */
export type Urgency = "first" | "soon" | "later";

export const urgencies: readonly Urgency[] = ["first", "soon", "later"];

export type ApiOperation = {
  /** Method and path, with `:id` for any id: a name of few, also where millions of objects are asked for. */
  readonly name: string;
  readonly isSearch: boolean;
  readonly urgency: Urgency;
};

/** The first parts of paths that name no object, but a family of them. */
const families: ReadonlySet<string> = new Set([
  "billing",
  "checkout",
  "identity",
  "issuing",
  "radar",
  "tax",
  "terminal",
]);

/** @param path with or without its query */
export function apiOperation(method: string, path: string): ApiOperation {
  const [, version = "", ...parts] = (path.split("?", 1)[0] ?? "").split("/");
  const noun = parts.splice(0, families.has(parts[0] ?? "") ? 2 : 1);
  const [object, ...actions] = parts;
  const isSearch = object === "search";
  const address = object === undefined || isSearch ? parts : [":id", ...actions];
  const name = `${method} /${[version, ...noun, ...address].join("/")}`;
  if (method === "GET") return { name, isSearch, urgency: object === undefined || isSearch ? "later" : "soon" };
  // A request to the object itself changes what is written on it: a doorbell's address, for one.
  const isUpdate = object !== undefined && actions.length === 0;
  return { name, isSearch, urgency: isUpdate ? "soon" : "first" };
}
