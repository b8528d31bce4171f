import { html } from "hono/html";
import { PLATFORM_ACCOUNT } from "../../world/identifiers.ts";
import type { Row } from "../../world/store.ts";
import { eventsOf, newestEvents } from "../../control/traffic.ts";
import { age, allLink, badge, button, cell, type Column, objectLink, olderLink, section } from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

const COLUMNS: readonly Column[] = [
  { label: "Event" },
  { label: "Object" },
  { label: "Pending" },
  { label: "Age" },
  { label: "Actions" },
];

export function eventsSection({ store, nowMs, limit, query, isWhole }: View): Html {
  const rows = newestEvents(store, { before: query.before, limit: limit + 1 });
  const last = rows[limit - 1];
  const hasOlder = rows.length > limit && last !== undefined;
  return section({
    id: "events",
    title: "Events",
    caption: "Events, newest first",
    columns: COLUMNS,
    rows: rows.slice(0, limit).map((row) => eventRow(row, nowMs)),
    empty: "No events yet.",
    more: hasOlder ? (isWhole ? olderLink("events", {}, last["seq"]) : allLink("events", "Events")) : null,
  });
}

export function eventsOfObject({ store, nowMs, limit }: View, objectIds: readonly string[]): Html {
  const rows = objectIds.flatMap((id) => eventsOf(store, id, limit));
  return section({
    id: "events",
    title: "Events",
    caption: "Events that show these objects, newest first",
    columns: COLUMNS,
    rows: rows
      .toSorted((one, other) => Number(other["seq"]) - Number(one["seq"]))
      .slice(0, limit)
      .map((row) => eventRow(row, nowMs)),
    empty: "No event shows it.",
  });
}

export function eventLink(id: string, type: string, domId: string): Html {
  return html`<a id="${domId}" href="/?event=${encodeURIComponent(id)}" title="${id}">${type}</a>`;
}

/** The number of endpoints that haven't got the event yet, Stripe's `pending_webhooks`. */
export function pendingBadge(pending: unknown): Html {
  return Number(pending) === 0 ? html`0` : badge(String(pending), "waiting");
}

export function resendButton(id: string): Html {
  return button({ id: `resend-${id}`, path: `events/${encodeURIComponent(id)}/resend`, label: "Resend", acts: id });
}

function eventRow(row: Row, nowMs: number): Html {
  const id = String(row["id"]);
  const objectId = row["object_id"];
  const foreign = row["account"] === PLATFORM_ACCOUNT ? null : html` <small>${row["account"]}</small>`;
  return html`<tr id="row-${id}">
    <th scope="row">${eventLink(id, String(row["type"]), `open-${id}`)}${foreign}</th>
    ${cell("Object", typeof objectId === "string" ? objectLink(objectId, `from-${id}`) : "")}
    ${cell("Pending", pendingBadge(row["pending"]))} ${cell("Age", age(Number(row["created"]) * 1000, nowMs))}
    ${cell("Actions", resendButton(id), "actions")}
  </tr>`;
}
