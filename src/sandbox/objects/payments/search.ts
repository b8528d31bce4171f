import type { Stripe } from "stripe";
import { refusal } from "../../http/apiError.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { readLimit } from "../../http/lists.ts";

/**
 * Search for PaymentIntents by metadata and status, joined with AND: the part of Stripe's language that a look-up needs.
 * It lags as Stripe's does: an object shows only some time after it was made. https://docs.stripe.com/search
 */
type Clause =
  | { readonly field: "status"; readonly value: string }
  | { readonly field: "metadata"; readonly key: string; readonly value: string };

type SearchResult = {
  readonly object: "search_result";
  readonly url: string;
  readonly has_more: boolean;
  readonly next_page: string | null;
  readonly data: readonly Stripe.PaymentIntent[];
};

/** A backslash is read in one way only: where it had two, a row of them took twice as long with each. */
const CLAUSE =
  /^\s*(?:metadata\[(["'])((?:\\.|(?!\1)[^\\])+)\1\]|(status))\s*:\s*(["'])((?:\\.|(?!\4)[^\\])*)\4\s*(?:(AND)\b|$)/is;

export function searchPaymentIntents({ parameters, path, store, unit }: ApiCall): SearchResult {
  const clauses = parseQuery(parameters.string("query") ?? "");
  const limit = readLimit(parameters);
  const conditions = clauses.map((clause) =>
    clause.field === "metadata"
      ? {
          sql: "id IN (SELECT object_id FROM metadata_entries WHERE value = ? AND key = ?)",
          values: [clause.value, clause.key],
        }
      : { sql: "json_extract(body, '$.status') = ?", values: [clause.value] },
  );
  const before = readPage(parameters.string("page"));
  const rows = store.rows(
    `SELECT seq, body FROM objects WHERE account = ? AND kind = 'payment_intent' AND created_at_ms <= ? AND seq < ?
     ${conditions.map(({ sql }) => `AND ${sql}`).join(" ")} ORDER BY seq DESC`,
    unit.account,
    unit.nowMs - unit.pace.searchLagMs,
    before,
    ...conditions.flatMap(({ values }) => values),
  );
  const found = rows
    .map((row) => ({ seq: Number(row["seq"]), object: JSON.parse(String(row["body"])) as Stripe.PaymentIntent }))
    .filter(({ object }) => clauses.every((c) => c.field === "status" || object.metadata[c.key] === c.value));
  const hasMore = found.length > limit;
  const shown = found.slice(0, limit);
  const nextPage = hasMore ? Buffer.from(String(shown.at(-1)?.seq)).toString("base64url") : null;
  return {
    object: "search_result",
    url: path,
    has_more: hasMore,
    next_page: nextPage,
    data: shown.map(({ object }) => object),
  };
}

function readPage(page: string | undefined): number {
  if (page === undefined) return Number.MAX_SAFE_INTEGER;
  const seq = Number(Buffer.from(page, "base64url").toString());
  if (!Number.isSafeInteger(seq) || seq < 1) throw refusal(`Invalid page: ${page}`, { param: "page" });
  return seq;
}

function parseQuery(query: string): Clause[] {
  const clauses: Clause[] = [];
  for (let rest = query; ;) {
    const match = CLAUSE.exec(rest);
    if (match === null) {
      const message = `We were unable to parse your search query. This sandbox understands metadata['key']:'value' and status:'value', joined by AND; it stopped at: ${rest}`;
      throw refusal(message, { param: "query" });
    }
    const [whole, , key, , , value = "", and] = match;
    const text = unescape(value);
    clauses.push(
      key === undefined ? { field: "status", value: text } : { field: "metadata", key: unescape(key), value: text },
    );
    if (and === undefined) return clauses;
    rest = rest.slice(whole.length);
  }
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, "$1");
}
