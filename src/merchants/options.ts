import type { InstallationMemory } from "../durable/installation.ts";
import type { NotificationsOptions } from "../notifications/options.ts";
import type { StripeGateway } from "./gateway.ts";

/** What the handlers work with. Tests choose other timings; nothing else differs from production. */
export type ServiceOptions = {
  readonly stripe: StripeGateway;
  readonly mode: "test" | "live";
  readonly webhookSecrets: readonly string[];
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
  /** Shared with the edge, the one that signs now and older ones; without any, nothing is taken from the edge. */
  readonly edgeSecrets?: readonly string[];
};

/** The same, with the memory of the process that serves. */
export type HandlerOptions = ServiceOptions & {
  /** Tells whether this payment is to wake the reconciler. A handler journals what it says. */
  readonly reconcilerAlarm: { isDue(nowMs: number, invocationId: string): boolean };
  readonly installation: InstallationMemory;
};
