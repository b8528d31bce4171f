import { html } from "hono/html";
import { PLATFORM_ACCOUNT } from "../../world/identifiers.ts";
import type { Row } from "../../world/store.ts";
import { newestRequests, requestsOf } from "../../control/traffic.ts";
import { age, allLink, badge, cell, type Column, type Mood, objectLink, olderLink, section } from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

const COLUMNS: readonly Column[] = [
  { label: "Request" },
  { label: "Status" },
  { label: "Object" },
  { label: "Idempotency key", isExtra: true },
  { label: "Request id", isExtra: true },
  { label: "Age" },
];

export function requestsSection({ store, nowMs, limit, query, isWhole }: View): Html {
  const rows = newestRequests(store, { before: query.before, limit: limit + 1 });
  const last = rows[limit - 1];
  const hasOlder = rows.length > limit && last !== undefined;
  return section({
    id: "requests",
    title: "Requests",
    caption: "Requests to the API, newest first",
    columns: COLUMNS,
    rows: rows.slice(0, limit).map((row) => requestRow(row, nowMs)),
    empty: "No requests yet.",
    more: hasOlder ? (isWhole ? olderLink("requests", {}, last["seq"]) : allLink("requests", "Requests")) : null,
  });
}

export function requestsOfObject({ store, nowMs, limit }: View, objectIds: readonly string[]): Html {
  const rows = objectIds.flatMap((id) => requestsOf(store, id, limit));
  return section({
    id: "requests",
    title: "Requests",
    caption: "Requests that name these objects or were answered with them, newest first",
    columns: COLUMNS,
    rows: rows
      .toSorted((one, other) => Number(other["seq"]) - Number(one["seq"]))
      .slice(0, limit)
      .map((row) => requestRow(row, nowMs)),
    empty: "No request named it.",
  });
}

function requestRow(row: Row, nowMs: number): Html {
  const { seq, id, method, path, account, idempotency_key: key, replayed, object_id: objectId, kind } = row;
  const foreign = account === PLATFORM_ACCOUNT ? null : html` <small>${account}</small>`;
  const shown = String(path);
  return html`<tr id="request-${seq}">
    <th scope="row" class="path" title="${method} ${shown}">
      <code><b>${method}</b> ${shown}</code>${foreign}
    </th>
    ${cell("Status", html`${statusOf(row["status"])} ${replayed === 1 ? badge("replayed", "plain") : null}`)}
    ${cell("Object", typeof objectId === "string" && isLinked(objectId, kind) ? objectLink(objectId, `from-request-${seq}`) : "")}
    ${cell("Idempotency key", typeof key === "string" ? html`<code class="key" title="${key}">${key}</code>` : "", "extra")}
    ${cell("Request id", html`<code>${id}</code>`, "extra")} ${cell("Age", age(Number(row["at_ms"]), nowMs))}
  </tr>`;
}

/** Webhook endpoints and events are no objects of the page, nor are ids that a request named and that don't exist. */
function isLinked(objectId: string, kind: unknown): boolean {
  return typeof kind === "string" && !objectId.startsWith("order_");
}

function statusOf(status: unknown): Html {
  if (typeof status !== "number") return badge("cut", "bad");
  const mood: Mood = status < 300 ? "good" : "bad";
  return badge(`${status}${status === 402 ? " declined" : ""}`, mood);
}
