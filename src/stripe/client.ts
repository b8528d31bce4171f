import { Stripe } from "stripe";
import { pacedHttpClient, type HttpClient } from "./pacedHttpClient.ts";
import { Pacer, type Pace, type PacerOptions } from "./pacing.ts";

export type StripeTarget = {
  readonly secretKey: string;
  readonly apiBase: string | undefined;
  /** Null or left out: requests are sent as they come. */
  readonly pace?: Pace | null;
  /** Stands before the client that sends, and sees each request and each answer. */
  readonly guard?: (client: HttpClient) => HttpClient;
};

/**
 * Stripe's own client, set up for durable handlers.
 *
 * - No retries of its own: the engine owns them, and repeats a step with the parameters and the key in its journal.
 * - The timeout stays well below the handlers' abort timeout, or the engine would start the same step again beside it.
 * - The API version is the one the package's types describe.
 * - With a pace, requests wait for their turn. A process needs one client per account, because each has a pacer of its own.
 */
export function createStripeClient(target: StripeTarget, pacing: PacerOptions = {}): Stripe {
  return openStripeClients(target, pacing)(null);
}

/** Clients of one key, for the key's own account (null) and for its connected accounts: they have their connections in common, and their pace. */
export function openStripeClients(
  target: StripeTarget,
  pacing: PacerOptions = {},
): (stripeAccount: string | null) => Stripe {
  const { pace = null, guard = (client) => client } = target;
  const options = {
    apiVersion: Stripe.API_VERSION,
    maxNetworkRetries: 0,
    timeout: stripeTimeoutMs,
    telemetry: false,
    appInfo: { name: "restate-stripe-payments", version: "0.1.0" },
    httpClient: guard(pace === null ? Stripe.createNodeHttpClient() : pacedHttpClient(new Pacer(pace, pacing))),
    ...(target.apiBase === undefined ? {} : hostOf(target.apiBase)),
  };
  return (stripeAccount) =>
    new Stripe(target.secretKey, { ...options, ...(stripeAccount !== null && { stripeAccount }) });
}

/** How long one request to Stripe may take. Stripe's slowest confirmations take tens of seconds. */
const stripeTimeoutMs = 40_000;

function hostOf(apiBase: string): { host: string; port: string; protocol: "http" | "https" } {
  const url = new URL(apiBase);
  const protocol = url.protocol === "http:" ? "http" : "https";
  // A URL has brackets around an IPv6 address; the name that is looked up has none.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { protocol, host, port: url.port || (protocol === "http" ? "80" : "443") };
}
