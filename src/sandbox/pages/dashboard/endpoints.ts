import { html } from "hono/html";
import { PLATFORM_ACCOUNT } from "../../world/identifiers.ts";
import { allEndpoints, versionOf, type WebhookEndpoint } from "../../webhooks/webhookEndpoints.ts";
import { badge, cell, section } from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

const SHOWN_EVENTS = 3;

/** The webhook endpoints. The signing secrets stay out of the page: a person who knows one can forge webhooks. */
export function endpointsSection({ store }: View): Html {
  return section({
    id: "endpoints",
    title: "Webhook endpoints",
    caption: "Webhook endpoints, oldest first",
    columns: [{ label: "URL" }, { label: "Status" }, { label: "Events" }, { label: "Version" }],
    rows: allEndpoints(store).map(endpointRow),
    empty: html`None yet: make one with <code>POST /v1/webhook_endpoints</code>.`,
  });
}

function endpointRow(endpoint: WebhookEndpoint): Html {
  const { account, isConnect, shown } = endpoint;
  const { id, url, status, enabled_events: types } = shown;
  const rest = types.length - SHOWN_EVENTS;
  const events = types.includes("*")
    ? "all"
    : types.slice(0, SHOWN_EVENTS).join(", ") + (rest > 0 ? `, ${rest} more` : "");
  return html`<tr id="endpoint-${id}">
    <th scope="row" class="url" title="${id}: ${url}">
      ${url.replace("http://", "")} ${isConnect ? html`<small>Connect</small>` : null}
      ${account === PLATFORM_ACCOUNT ? null : html`<small>${account}</small>`}
    </th>
    ${cell("Status", badge(status, status === "enabled" ? "good" : "bad"))}
    ${cell("Events", html`<span title="${types.join(", ")}">${events}</span>`, "url")}
    ${cell("Version", versionOf(endpoint), "version")}
  </tr>`;
}
