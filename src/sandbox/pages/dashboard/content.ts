import { html } from "hono/html";
import { clockBar, navigation } from "./clock.ts";
import { deliveriesSection } from "./deliveries.ts";
import { endpointsSection } from "./endpoints.ts";
import { eventsSection } from "./events.ts";
import { faultsSection } from "./faults.ts";
import { eventHistory, objectHistory } from "./history.ts";
import { objectsSection } from "./objects.ts";
import { requestsSection } from "./requests.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

/** The line for the answers of the buttons; it stays the same element, so that screen readers hear of them. */
export const statusLine = html`<p id="status" role="status"></p>`;

export function dashboardTop(origin: string): Html {
  return html`<header class="top">
    <h1>Stripe sandbox</h1>
    <code>${origin}</code>
    <p id="lost" role="alert" hidden>The sandbox doesn't answer. This is what it last said.</p>
    <noscript><p>Without JavaScript this page shows what is, but does nothing: reload it to see more.</p></noscript>
  </header>`;
}

const SECTIONS = {
  objects: objectsSection,
  requests: requestsSection,
  events: eventsSection,
  deliveries: deliveriesSection,
} as const;

/** The changing part of the page, which is asked for anew every second. */
export function liveContent(view: View, origin: string): Html {
  const { query } = view;
  return html`${clockBar(view)} ${navigation(view)} ${content(view, origin)}`;
  function content(shown: View, url: string): Html {
    if (query.object !== null) return html`<div class="whole">${objectHistory(shown, query.object)}</div>`;
    if (query.event !== null) return html`<div class="whole">${eventHistory(shown, query.event)}</div>`;
    if (query.view !== null) return html`<div class="whole">${SECTIONS[query.view](shown)}</div>`;
    return overview(shown, url);
  }
}

function overview(view: View, origin: string): Html {
  const isEmpty = view.store.row("SELECT 1 FROM requests LIMIT 1") === undefined;
  return html`${isEmpty ? firstSteps(origin) : null}
    <div class="overview">
      <div>${objectsSection(view)} ${deliveriesSection(view)} ${faultsSection(view)}</div>
      <div>${requestsSection(view)} ${eventsSection(view)} ${endpointsSection(view)}</div>
    </div>`;
}

/** The first steps of a newcomer, in words that can be pasted. */
function firstSteps(origin: string): Html {
  const key = "sk_test_local";
  const { hostname, port } = new URL(origin);
  return html`<section class="first" id="first" aria-labelledby="first-title">
    <h2 id="first-title">Nothing has come in yet</h2>
    <p>This is a Stripe for your machine: it takes any test key. Pay with a test card, and watch it arrive here:</p>
    <pre tabindex="0">
curl ${origin}/v1/payment_intents -u ${key}: \\
  -d amount=1099 -d currency=usd -d payment_method=pm_card_visa -d confirm=true \\
  -d 'automatic_payment_methods[enabled]=true' -d 'automatic_payment_methods[allow_redirects]=never'</pre>
    <p>Or point your Stripe client at it, and let it send you webhooks:</p>
    <pre tabindex="0">
new Stripe("${key}", { protocol: "http", host: "${hostname}", port: ${port} })

curl ${origin}/v1/webhook_endpoints -u ${key}: -d 'enabled_events[]=*' -d url=http://127.0.0.1:3000/webhook</pre>
  </section>`;
}
