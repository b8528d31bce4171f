import type { Stripe } from "stripe";
import { missing, refusal } from "../http/apiError.ts";
import { DEFAULT_API_VERSION } from "../http/authentication.ts";
import type { ApiCall } from "../http/endpoint.ts";
import { newId, randomText } from "../world/identifiers.ts";
import { applicationOf, platformOf } from "../world/platforms.ts";
import { retrieveEvent } from "./events.ts";
import { listRows } from "../http/lists.ts";
import { mergeMetadata } from "../http/parameters.ts";
import type { Row, Store } from "../world/store.ts";

/**
 * Where events are sent: endpoints made by the API, and those that the sandbox was started with. An endpoint gets the
 * events of its own account or, if made with `connect`, those of the connected ones.
 * https://docs.stripe.com/api/webhook_endpoints
 */
export type WebhookEndpoint = {
  readonly account: string;
  readonly isConnect: boolean;
  readonly shown: Stripe.WebhookEndpoint;
  readonly secret: string;
  /** The secret before the last roll, which signs as well until then. */
  readonly old: { readonly secret: string; readonly untilMs: number } | null;
};

/** https://docs.stripe.com/webhooks: 16 endpoints per account and mode. */
const MAXIMUM_ENDPOINTS = 16;

/** The endpoints are needed for every event, and hardly ever change. */
const known = new WeakMap<Store, readonly WebhookEndpoint[]>();

export function allEndpoints(store: Store): readonly WebhookEndpoint[] {
  const cached = known.get(store);
  if (cached !== undefined) return cached;
  const endpoints = store.rows("SELECT * FROM webhook_endpoints ORDER BY seq").map(readEndpoint);
  known.set(store, endpoints);
  return endpoints;
}

export function findEndpoint(store: Store, id: string): WebhookEndpoint | undefined {
  return allEndpoints(store).find(({ shown }) => shown.id === id);
}

/** A Connect endpoint hears the accounts that are connected to its own; `platform` is that of the sender. */
function listensTo(
  { account, isConnect, shown }: WebhookEndpoint,
  sender: string,
  platform: string | null,
  type: string,
): boolean {
  const hears = isConnect ? account === platform : account === sender;
  const { status, enabled_events } = shown;
  return hears && status === "enabled" && (enabled_events.includes("*") || enabled_events.includes(type));
}

/** Endpoints without a version of their own get their account's default. */
export function versionOf({ shown }: WebhookEndpoint): string {
  return shown.api_version ?? DEFAULT_API_VERSION;
}

/** The secrets that sign now; two while one is being rolled. */
export function secretsOf({ secret, old }: WebhookEndpoint, nowMs: number): readonly string[] {
  return old === null || old.untilMs <= nowMs ? [secret] : [secret, old.secret];
}

/** The new secret signs at once; the old one beside it until then. */
export function rollSecret(store: Store, endpoint: WebhookEndpoint, untilMs: number): string {
  const secret = newSecret();
  writeEndpoint(store, { ...endpoint, secret, old: { secret: endpoint.secret, untilMs } });
  return secret;
}

export function createWebhookEndpoint({ parameters, unit, store }: ApiCall): Stripe.WebhookEndpoint {
  const isConnect = parameters.boolean("connect") === true;
  if (allEndpoints(store).filter(({ account }) => account === unit.account).length >= MAXIMUM_ENDPOINTS) {
    throw refusal(`You have reached the maximum of ${MAXIMUM_ENDPOINTS} test webhook endpoints.`);
  }
  const shown: Stripe.WebhookEndpoint = {
    id: newId("we"),
    object: "webhook_endpoint",
    api_version: parameters.string("api_version") ?? null,
    application: isConnect ? applicationOf(unit.account).id : null,
    created: unit.nowSeconds,
    description: parameters.string("description") ?? null,
    enabled_events: [...(parameters.list("enabled_events") ?? [])],
    livemode: false,
    metadata: mergeMetadata({}, parameters.metadata()),
    status: "enabled",
    url: readUrl(parameters.string("url") ?? ""),
  };
  const secret = newSecret();
  unit.alongside(() => writeEndpoint(store, { account: unit.account, isConnect, shown, secret, old: null }));
  return { ...shown, secret };
}

export function retrieveWebhookEndpoint(call: ApiCall): Stripe.WebhookEndpoint {
  return ownEndpoint(call, call.id, "webhook_endpoint", 404).shown;
}

export function listWebhookEndpoints(call: ApiCall): unknown {
  return listRows(call, "webhook_endpoints", "webhook_endpoint", [], (row) => readEndpoint(row).shown);
}

export function updateWebhookEndpoint(call: ApiCall): Stripe.WebhookEndpoint {
  const { parameters, unit, store } = call;
  const before = ownEndpoint(call, call.id, "webhook_endpoint", 404);
  const { shown } = before;
  const events = parameters.list("enabled_events");
  const url = parameters.string("url");
  const disabled = parameters.boolean("disabled");
  const changed: Stripe.WebhookEndpoint = {
    ...shown,
    description: parameters.isUnset("description") ? null : (parameters.string("description") ?? shown.description),
    enabled_events: [...(events ?? shown.enabled_events)],
    metadata: mergeMetadata(shown.metadata, parameters.metadata()),
    status: disabled === undefined ? shown.status : disabled ? "disabled" : "enabled",
    url: url === undefined ? shown.url : readUrl(url),
  };
  unit.alongside(() => writeEndpoint(store, { ...before, shown: changed }));
  return changed;
}

export function deleteWebhookEndpoint(call: ApiCall): Stripe.DeletedWebhookEndpoint {
  const { shown } = ownEndpoint(call, call.id, "webhook_endpoint", 404);
  call.unit.alongside(() => {
    removeEndpoint(call.store, shown.id);
    call.store.run(
      "UPDATE deliveries SET state = 'given_up', next_attempt_at_ms = NULL WHERE endpoint_id = ? AND state = 'pending'",
      shown.id,
    );
  });
  return { id: shown.id, object: "webhook_endpoint", deleted: true };
}

/** `stripe events resend` calls this. Without an endpoint it means the listeners of the CLI: here, all endpoints. */
export function resendEvent(call: ApiCall): unknown {
  const { parameters, unit, store } = call;
  const event = retrieveEvent(call);
  const id = parameters.string("webhook_endpoint");
  if (id === undefined && parameters.boolean("for_stripecli") !== true) {
    throw refusal("Missing required param: webhook_endpoint.", {
      code: "parameter_missing",
      param: "webhook_endpoint",
    });
  }
  if (id === undefined) {
    const endpoints = endpointsFor(store, unit.account, event.type);
    unit.resend(
      event.id,
      endpoints.map(({ shown }) => shown.id),
    );
  } else {
    // A platform may name one of its Connect endpoints for an event of a connected account.
    const endpoint = findEndpoint(store, id);
    const listeners = [unit.account, endpoint?.isConnect === true ? platformOf(store, unit.account) : null];
    if (endpoint === undefined || !listeners.includes(endpoint.account)) {
      throw missing("webhook endpoint", id, "webhook_endpoint");
    }
    unit.resend(event.id, [endpoint.shown.id]);
  }
  return event;
}

/** @param platform the platform that hears of it, if that isn't the one that the account is connected to */
export function endpointsFor(
  store: Store,
  account: string,
  type: string,
  platform: string | null = null,
): readonly WebhookEndpoint[] {
  const all = allEndpoints(store);
  if (all.length === 0) return all;
  const listener = platform ?? platformOf(store, account);
  return all.filter((endpoint) => listensTo(endpoint, account, listener, type));
}

/** A platform made these for an account that has left it. */
export function removeEndpointsOf(store: Store, account: string): void {
  for (const endpoint of allEndpoints(store)) {
    if (endpoint.account === account) removeEndpoint(store, endpoint.shown.id);
  }
}

function ownEndpoint({ store, unit }: ApiCall, id: string, param: string, status: 400 | 404): WebhookEndpoint {
  const endpoint = findEndpoint(store, id);
  if (endpoint?.account !== unit.account) throw missing("webhook endpoint", id, param, status);
  return endpoint;
}

/** Any address will do: Stripe's own test mode takes http, and a sandbox is there for addresses on this machine. */
function readUrl(url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  const message = "Invalid URL: An explicit scheme (such as https) must be provided.";
  throw refusal(message, { code: "url_invalid", param: "url" });
}

function newSecret(): string {
  return `whsec_${randomText(32)}`;
}

function readEndpoint(row: Row): WebhookEndpoint {
  const { old_secret: secret, old_secret_until_ms: untilMs } = row;
  return {
    account: String(row["account"]),
    isConnect: row["connect"] === 1,
    shown: JSON.parse(String(row["body"])) as Stripe.WebhookEndpoint,
    secret: String(row["secret"]),
    old: typeof secret === "string" ? { secret, untilMs: Number(untilMs) } : null,
  };
}

export function writeEndpoint(store: Store, { account, isConnect, shown, secret, old }: WebhookEndpoint): void {
  known.delete(store);
  store.run(
    `INSERT INTO webhook_endpoints (id, account, created, connect, secret, old_secret, old_secret_until_ms, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET connect = excluded.connect, secret = excluded.secret, old_secret = excluded.old_secret,
       old_secret_until_ms = excluded.old_secret_until_ms, body = excluded.body`,
    shown.id,
    account,
    shown.created,
    isConnect ? 1 : 0,
    secret,
    old?.secret ?? null,
    old?.untilMs ?? null,
    JSON.stringify(shown),
  );
}

export function removeEndpoint(store: Store, id: string): void {
  known.delete(store);
  store.run("DELETE FROM webhook_endpoints WHERE id = ?", id);
}
