/** What this code offers to the engine, by name: what a deployment of it must show. */
import { createStripeGateway } from "../../merchants/gateway.ts";
import { defaultInactivityTimeoutMs } from "../../durable/policies.ts";
import { notificationTimings } from "../../notifications/options.ts";
import { paymentServices } from "../../durable/serve.ts";

/** Names of a service and of its handlers. */
export type ServiceOffer = { readonly name: string; readonly handlers: readonly string[] };

export function offerOfThisCode(): readonly ServiceOffer[] {
  return paymentServices(optionsOfNoUse).map((definition) => {
    // The SDK's types show the handlers of a service only to callers, as a field that exists at run time.
    const { service, object } = definition as { readonly service?: object; readonly object?: object };
    return { name: definition.name, handlers: Object.keys(service ?? object ?? {}) };
  });
}

/** The services are made to be looked at, never to be called. */
const optionsOfNoUse = {
  stripe: createStripeGateway({ secretKey: "sk_test_none", apiBase: undefined }),
  mode: "test",
  webhookSecrets: [],
  pollScheduleMs: [],
  timeoutMs: 0,
  idempotencyRetentionMs: 0,
  referenceRetentionMs: null,
  reconcileIntervalMs: 0,
  inactivityTimeoutMs: defaultInactivityTimeoutMs,
  lookUpDelaysMs: [],
  notifications: { ...notificationTimings, receiver: null },
} as const;
