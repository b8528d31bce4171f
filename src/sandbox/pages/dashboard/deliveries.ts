import { html } from "hono/html";
import type { Row, Store } from "../../world/store.ts";
import { deliveriesAbout, deliveriesOf, newestDeliveries, waitingDeliveries } from "../../control/traffic.ts";
import { findEndpoint } from "../../webhooks/webhookEndpoints.ts";
import { eventLink } from "./events.ts";
import {
  allLink,
  badge,
  button,
  cell,
  type Column,
  moment,
  type Mood,
  olderLink,
  printClock,
  section,
} from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

const COLUMNS: readonly Column[] = [
  { label: "Event" },
  { label: "Endpoint" },
  { label: "State" },
  { label: "Tries" },
  { label: "Last answer" },
  { label: "Next try" },
  { label: "Actions" },
];

export function deliveriesSection({ store, nowMs, limit, query, isWhole }: View): Html {
  const rows = query.isWaiting
    ? waitingDeliveries(store, limit)
    : newestDeliveries(store, { before: query.before, limit: limit + 1 });
  const last = rows[limit - 1];
  const hasOlder = rows.length > limit && last !== undefined;
  return section({
    id: "deliveries",
    title: query.isWaiting ? "Waiting deliveries" : "Deliveries",
    caption: query.isWaiting
      ? "Deliveries still to be made, the next first"
      : "Deliveries of events to endpoints, newest first",
    columns: COLUMNS,
    rows: rows.slice(0, limit).map((row) => deliveryRow(store, row, nowMs)),
    empty: query.isWaiting ? "Nothing waits to be delivered." : "No deliveries yet: they need a webhook endpoint.",
    more: hasOlder ? (isWhole ? olderLink("deliveries", {}, last["id"]) : allLink("deliveries", "Deliveries")) : null,
    controls: query.isWaiting
      ? html`<a id="deliveries-every" href="/?view=deliveries">Show all</a>`
      : html`<a id="deliveries-waiting" href="/?view=deliveries&state=pending">Only waiting</a>`,
  });
}

export function deliveriesOfEvent({ store, nowMs, limit }: View, eventId: string): Html {
  const rows = deliveriesOf(store, eventId, limit);
  return section({
    id: "deliveries",
    title: "Deliveries",
    caption: "Deliveries of this event, newest first",
    columns: COLUMNS,
    rows: rows.map((row) => deliveryRow(store, row, nowMs)),
    empty: "No endpoint listened to it. Resend it when one does.",
  });
}

export function deliveriesOfObjects({ store, nowMs, limit }: View, objectIds: readonly string[]): Html {
  const rows = objectIds.flatMap((id) => deliveriesAbout(store, id, limit));
  return section({
    id: "deliveries",
    title: "Deliveries",
    caption: "Deliveries of the events that show these objects, newest first",
    columns: COLUMNS,
    rows: rows
      .toSorted((one, other) => Number(other["id"]) - Number(one["id"]))
      .slice(0, limit)
      .map((row) => deliveryRow(store, row, nowMs)),
    empty: "Nothing was delivered.",
  });
}

const STATES: Readonly<Record<string, readonly [text: string, mood: Mood]>> = {
  delivered: ["delivered", "good"],
  pending: ["pending", "waiting"],
  lost: ["lost by a fault", "bad"],
  given_up: ["given up", "bad"],
};

function deliveryRow(store: Store, row: Row, nowMs: number): Html {
  const { id, event_id: eventId, endpoint_id: endpointId, state, attempts, next_attempt_at_ms: nextMs } = row;
  const url = findEndpoint(store, String(endpointId))?.shown.url;
  const [text, mood] = STATES[String(state)] ?? [String(state), "plain"];
  const again = button({
    id: `deliver-${id}`,
    path: `events/${encodeURIComponent(String(eventId))}/deliver/${encodeURIComponent(String(endpointId))}`,
    label: "Deliver again",
    acts: `${String(row["type"])} ${String(eventId)}`,
  });
  return html`<tr id="delivery-${id}">
    <th scope="row">${eventLink(String(eventId), String(row["type"]), `event-of-${id}`)}</th>
    ${cell("Endpoint", url === undefined ? html`<em>deleted</em>` : html`<span title="${endpointId}: ${url}">${shortUrl(url)}</span>`, "url")}
    ${cell("State", badge(text, mood))} ${cell("Tries", attempts ?? 0)}
    ${cell("Last answer", lastAnswer(row), "answer")}
    ${cell("Next try", typeof nextMs === "number" ? html`${printClock(nextMs, nowMs)} <small>${moment(nextMs, nowMs)}</small>` : "", "next")}
    ${cell("Actions", url === undefined ? "" : again, "actions")}
  </tr>`;
}

/** The part of an address that tells endpoints apart: most of them are on this machine. */
function shortUrl(url: string): string {
  return url.replace(/^https?:\/\/((127\.0\.0\.1|localhost)(?=:))?/, "");
}

function lastAnswer({ last_status: status, last_error: error }: Row): Html | string {
  if (typeof error === "string") return html`<span title="${error}">${error}</span>`;
  return typeof status === "number" ? String(status) : "";
}
