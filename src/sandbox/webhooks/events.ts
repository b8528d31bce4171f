import type { Stripe } from "stripe";
import { missing, refusal } from "../http/apiError.ts";
import type { ApiCall } from "../http/endpoint.ts";
import { type Condition, listRows, type Page } from "../http/lists.ts";
import type { Row, Store } from "../world/store.ts";

/** Every event, with the deliveries that are still to be made. https://docs.stripe.com/api/events/list */
export function listEvents(call: ApiCall): Page {
  const { parameters } = call;
  const conditions: Condition[] = [];
  const types = parameters.list("types") ?? (parameters.has("type") ? [parameters.string("type") ?? ""] : []);
  if (parameters.has("types") && parameters.has("type")) {
    throw refusal("You may only specify one of these parameters: type, types.", { code: "parameters_exclusive" });
  }
  if (types.length > 0) {
    conditions.push({ sql: `(${types.map(() => "type GLOB ?").join(" OR ")})`, values: types });
  }
  const delivered = parameters.boolean("delivery_success");
  if (delivered !== undefined) {
    // An endpoint that took the event at last, say after a resend, counts as a success.
    const failed = `EXISTS (SELECT 1 FROM deliveries AS failed WHERE event_id = events.id AND state <> 'delivered' AND NOT
      EXISTS (SELECT 1 FROM deliveries WHERE event_id = events.id AND endpoint_id = failed.endpoint_id AND state = 'delivered'))`;
    conditions.push({ sql: delivered ? `NOT ${failed}` : failed, values: [] });
  }
  const kept = [{ sql: "created >= ?", values: [keptSince(call)] }];
  return listRows(call, "events", "event", conditions, (row) => readEvent(call, row), kept);
}

/** Events are listed and given for 30 days; an older one is unknown, also as the place where a page begins. */
function keptSince({ unit }: ApiCall): number {
  return unit.nowSeconds - 30 * 24 * 60 * 60;
}

export function retrieveEvent(call: ApiCall): Stripe.EventBase {
  const sql = "SELECT * FROM events WHERE id = ? AND account = ? AND created >= ?";
  const row = call.store.row(sql, call.id, call.unit.account, keptSince(call));
  if (row === undefined) throw missing("event", call.id, "id", 404);
  return readEvent(call, row);
}

function readEvent({ store }: ApiCall, row: Row): Stripe.EventBase {
  const event = JSON.parse(String(row["body"])) as Stripe.EventBase;
  return { ...event, pending_webhooks: pendingWebhooks(store, event.id) };
}

/** The number of endpoints to which the event is still to be delivered. */
export function pendingWebhooks(store: Store, eventId: string): number {
  const sql = "SELECT count(DISTINCT endpoint_id) AS n FROM deliveries WHERE event_id = ? AND state = 'pending'";
  return Number(store.row(sql, eventId)?.["n"]);
}
