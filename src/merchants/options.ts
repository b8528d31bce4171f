import type { InstallationMemory } from "../durable/installation.ts";
import type { NotificationsOptions } from "../notifications/options.ts";
import type { NotificationReceiver } from "../notifications/settings.ts";
import type { StripeGateway } from "./gateway.ts";
import { defaultMerchant, type Limits } from "./rules.ts";

/** A merchant as the handlers see it. Its secrets are inside the gateway and the receiver. */
export type Merchant = {
  readonly id: string;
  /** Of the merchant's own account; `onBehalf` gives that of a connected one. */
  readonly stripe: StripeGateway;
  readonly mode: "test" | "live";
  readonly webhookSecrets: readonly string[];
  /** A currency that they lack is refused; null for no limits. */
  readonly limits: Limits | null;
  readonly receiver: NotificationReceiver | null;
  /** Of the merchant's Connect platform, for OAuth; null where no account is connected so. */
  readonly clientId: string | null;
};

/** The merchants beside the default one, as they are configured now: a file that changes changes them. */
export type FurtherMerchants = {
  find(id: string): Merchant | undefined;
  all(): readonly Merchant[];
};

/** What the handlers work with. Tests choose other timings; nothing else differs from production. */
export type ServiceOptions = {
  /** Of the default merchant, as `mode`, `webhookSecrets`, `clientId` and the receiver of `notifications`. */
  readonly stripe: StripeGateway;
  readonly mode: "test" | "live";
  readonly webhookSecrets: readonly string[];
  readonly clientId?: string | null;
  readonly furtherMerchants?: FurtherMerchants;
  readonly pollScheduleMs: readonly number[];
  readonly timeoutMs: number;
  readonly idempotencyRetentionMs: number;
  /** How long a reference is remembered after its last change; null for ever. */
  readonly referenceRetentionMs: number | null;
  /** How often Stripe is asked for events that it could not deliver; 0: never. */
  readonly reconcileIntervalMs: number;
  readonly inactivityTimeoutMs: number;
  /** When to look up a create whose outcome is unknown: at once, and again when search has caught up. */
  readonly lookUpDelaysMs: readonly number[];
  readonly notifications: NotificationsOptions;
  /** Where the edge takes the owners of accounts that were connected by OAuth; left out: where Stripe's own settings say. */
  readonly connectRedirectUri?: string | null;
  /** Shared with the edge, the one that signs now and older ones; without any, nothing is taken from the edge. */
  readonly edgeSecrets?: readonly string[];
};

/** The same, with the memory of the process that serves. */
export type HandlerOptions = ServiceOptions & {
  /** Tells whether this payment is to wake the reconciler of its merchant. A handler journals what it says. */
  readonly reconcilerAlarm: { isDue(nowMs: number, invocationId: string, merchant: string): boolean };
  readonly installation: InstallationMemory;
};

/** The merchant of an id, as it is configured now; undefined where there is none. */
export function merchantOf(
  options: Pick<
    ServiceOptions,
    "stripe" | "mode" | "webhookSecrets" | "clientId" | "notifications" | "furtherMerchants"
  >,
  id: string,
): Merchant | undefined {
  if (id !== defaultMerchant) return options.furtherMerchants?.find(id);
  const { stripe, mode, webhookSecrets, clientId = null, notifications } = options;
  return { id, stripe, mode, webhookSecrets, limits: null, receiver: notifications.receiver, clientId };
}

/** Every merchant that is configured now. */
export function allMerchants(options: Parameters<typeof merchantOf>[0]): readonly Merchant[] {
  const own = merchantOf(options, defaultMerchant);
  return [...(own === undefined ? [] : [own]), ...(options.furtherMerchants?.all() ?? [])];
}
