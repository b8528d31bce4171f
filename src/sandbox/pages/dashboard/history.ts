import { html } from "hono/html";
import { findObject, findRelated, type ListedObject } from "../../control/listedObjects.ts";
import { findEvent } from "../../control/traffic.ts";
import { actionButtons } from "./actions.ts";
import { deliveriesOfEvent, deliveriesOfObjects } from "./deliveries.ts";
import { eventsOfObject, pendingBadge, resendButton } from "./events.ts";
import { amountOf, printKind, relatedSection, statusBadge } from "./objects.ts";
import { requestsOfObject } from "./requests.ts";
import { moment, objectLink, printClock } from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

/** One object or event: its JSON, and everything that happened to it. */
export function objectHistory(view: View, id: string): Html {
  const { store, nowMs, limit } = view;
  const object = findObject(store, id);
  if (object === null) return nothingFound("object", id);
  const family = [id, ...followers(findRelated(store, object, limit), object)];
  const { kind, account, createdMs, body } = object;
  return html`<article id="history">
      <header>
        <h2>${printKind(kind)} <code id="whole-id">${id}</code> ${copyButton(id)}</h2>
        <p>
          ${amountOf(body)} ${statusBadge(object)} made ${moment(createdMs, nowMs)} in
          <code>${account}</code>${waitsFor(view, id)}
        </p>
        <p class="buttons">${actionButtons(object)} ${pageLink(body)}</p>
      </header>
      ${json(body)}
    </article>
    ${relatedSection(view, object)} ${eventsOfObject(view, family)} ${deliveriesOfObjects(view, family)}
    ${requestsOfObject(view, family)}`;
}

/** The address to which the buyer of the object goes. */
function pageLink({ url, next_action: action }: ListedObject["body"]): Html | null {
  const { redirect_to_url: redirect } = (action ?? {}) as { readonly redirect_to_url?: { readonly url: string } };
  const address = redirect?.url ?? url;
  const isPage = typeof address === "string" && /^https?:/.test(address);
  return isPage ? html`<a id="buyer-page" href="${address}">Open the buyer's page</a>` : null;
}

/** A payment's history is that of its charges, refunds and disputes, too; a customer's isn't that of all payments. */
function followers(related: readonly ListedObject[], { kind, id }: ListedObject): string[] {
  const isFollower = ({ body }: ListedObject): boolean => body["payment_intent"] === id || body["charge"] === id;
  return kind === "customer" ? [] : related.filter(isFollower).map((follower) => follower.id);
}

const JOB_WORDS: Readonly<Record<string, string>> = {
  settle_payment: "the bank settles it",
  expire_session: "it expires",
  settle_refund: "the bank settles it",
  post_balance: "its balance transaction is posted",
  expire_authorization: "its authorization expires",
};

function waitsFor({ store, nowMs }: View, id: string): Html[] {
  const jobs = store.rows("SELECT kind, due_at_ms FROM jobs WHERE subject = ? ORDER BY due_at_ms LIMIT 5", id);
  return jobs.map(({ kind, due_at_ms: dueMs }) => {
    const atMs = Number(dueMs);
    return html`; ${moment(atMs, nowMs)} (${printClock(atMs, nowMs)}) ${JOB_WORDS[String(kind)] ?? String(kind)}`;
  });
}

export function eventHistory(view: View, id: string): Html {
  const event = findEvent(view.store, id);
  if (event === undefined) return nothingFound("event", id);
  const { type, object_id: objectId, account, created, pending } = event;
  return html`<article id="history">
      <header>
        <h2>${type} <code id="whole-id">${id}</code> ${copyButton(id)}</h2>
        <p>
          ${typeof objectId === "string" ? html`shows ${objectLink(objectId, "shown-object")},` : null} made
          ${moment(Number(created) * 1000, view.nowMs)} in <code>${account}</code>, pending webhooks:
          ${pendingBadge(pending)}
        </p>
        <p class="buttons">${resendButton(id)}</p>
      </header>
      ${json({ ...(JSON.parse(String(event["body"])) as object), pending_webhooks: pending })}
    </article>
    ${deliveriesOfEvent(view, id)}`;
}

function json(body: unknown): Html {
  return html`<details id="json" open>
    <summary>JSON</summary>
    <pre tabindex="0" aria-label="JSON">${JSON.stringify(body, null, 2)}</pre>
  </details>`;
}

function copyButton(id: string): Html {
  return html`<button type="button" class="act" id="copy" data-copy="${id}" aria-label="Copy ${id}">Copy</button>`;
}

function nothingFound(noun: string, id: string): Html {
  return html`<article id="history">
    <p class="nothing">There is no ${noun} <code>${id}</code> here.</p>
  </article>`;
}
