import { html } from "hono/html";
import { printAmount } from "../../world/currencies.ts";
import { PLATFORM_ACCOUNT } from "../../world/identifiers.ts";
import { findObjects, findRelated, KINDS, type ListedObject, type ObjectFilter } from "../../control/listedObjects.ts";
import { actionButtons } from "./actions.ts";
import { age, allLink, badge, cell, type Column, type Mood, objectLink, olderLink, section } from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

const COLUMNS: readonly Column[] = [
  { label: "Object" },
  { label: "What" },
  { label: "Amount" },
  { label: "Status" },
  { label: "Age" },
  { label: "Actions" },
];

export function objectsSection({ store, nowMs, limit, query, isWhole }: View): Html {
  const found = findObjects(store, query, limit + 1);
  const last = found[limit - 1];
  const filter = query.kind === null ? {} : { kind: query.kind };
  const hasOlder = found.length > limit && last !== undefined && query.search === "";
  const isFiltered = query.kind !== null || query.search !== "";
  return section({
    id: "objects",
    title: "Objects",
    caption: "Payments and other objects, newest first",
    columns: COLUMNS,
    rows: found.slice(0, limit).map((object) => objectRow(object, nowMs)),
    empty: isFiltered ? "No object matches." : "No objects yet.",
    more: hasOlder ? (isWhole ? olderLink("objects", filter, last.seq) : allLink("objects", "Objects")) : null,
    controls: filterForm(query),
  });
}

export function relatedSection({ store, nowMs, limit }: View, object: ListedObject): Html {
  return section({
    id: "related",
    title: "Belongs together",
    caption: "Objects that name this one or are named by it, newest first",
    columns: COLUMNS,
    rows: findRelated(store, object, limit).map((related) => objectRow(related, nowMs)),
    empty: "Nothing else belongs to it.",
  });
}

function filterForm({ kind, search }: ObjectFilter): Html {
  return html`<search>
    <form class="filter" id="filter" action="/" method="get" hx-morph-skip>
      <input type="hidden" name="view" value="objects" />
      <select name="kind" id="filter-kind" aria-label="Kind of object">
        <option value="">all but payment methods</option>
        ${KINDS.map((name) => html`<option value="${name}" ${name === kind ? "selected" : ""}>${printKind(name)}</option>`)}
      </select>
      <input
        type="search"
        name="id"
        id="filter-id"
        value="${search}"
        placeholder="id, or how it begins"
        aria-label="Id, or how it begins"
      />
      <button class="act" id="filter-show">Show</button>
    </form>
  </search>`;
}

function objectRow(object: ListedObject, nowMs: number): Html {
  const { id, kind, account, createdMs, body } = object;
  const note = noteOf(body);
  const foreign = account === PLATFORM_ACCOUNT ? null : html` <small>${account}</small>`;
  return html`<tr id="row-${id}">
    <th scope="row">${objectLink(id, `open-${id}`)}</th>
    ${cell("What", html`${printKind(kind)}${foreign}${note === null ? null : html` <small class="note" title="${note}">${note}</small>`}`, "what")}
    ${cell("Amount", amountOf(body) ?? "", "number")} ${cell("Status", statusBadge(object))}
    ${cell("Age", age(createdMs, nowMs))} ${cell("Actions", actionButtons(object), "actions")}
  </tr>`;
}

export function printKind(kind: string): string {
  return kind === "customer_cash_balance_transaction" ? "cash balance" : kind.replaceAll(/[_.]/g, " ");
}

export function amountOf({
  amount,
  amount_total,
  unit_amount,
  net_amount,
  currency,
}: ListedObject["body"]): string | null {
  const minor = amount ?? amount_total ?? unit_amount ?? net_amount;
  return typeof minor === "number" && typeof currency === "string" ? printAmount(minor, currency) : null;
}

function noteOf({ description, name, email, reason }: ListedObject["body"]): string | null {
  const notes = [description, name, email, reason].filter((note) => typeof note === "string" && note !== "");
  return notes.length === 0 ? null : String(notes[0]);
}

const MOODS: Readonly<Record<string, Mood>> = {
  succeeded: "good",
  complete: "good",
  won: "good",
  processing: "waiting",
  pending: "waiting",
  requires_action: "waiting",
  requires_capture: "waiting",
  needs_response: "waiting",
  warning_needs_response: "waiting",
  under_review: "waiting",
  open: "waiting",
  failed: "bad",
  requires_payment_method: "bad",
  lost: "bad",
  canceled: "bad",
  expired: "bad",
};

/** The status, and what happened to the money since. */
export function statusBadge({ body, charge }: ListedObject): Html | string {
  const { status, active, charges_enabled: mayBePaid } = body;
  if (typeof mayBePaid === "boolean") return badge(mayBePaid ? "enabled" : "disabled", mayBePaid ? "good" : "waiting");
  const word =
    typeof status === "string" ? status : typeof active === "boolean" ? (active ? "active" : "inactive") : null;
  if (word === null) return "";
  const { disputed, amount_refunded } = charge ?? body;
  const isRefunded = typeof amount_refunded === "number" && amount_refunded > 0 && word === "succeeded";
  return html`${badge(word.replaceAll("_", " "), MOODS[word] ?? "plain")}
  ${isRefunded ? badge("refunded", "plain") : null} ${disputed === true ? badge("disputed", "bad") : null}`;
}
