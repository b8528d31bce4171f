/**
 * The service from a copy of `src` in which a few lines are edited, served in the place of a scene's own: what the engine
 * and Stripe then see is what they would see if somebody had deleted a guard.
 */
import { notificationTimings } from "../../src/notifications/options.ts";
import type { ServiceOptions } from "../../src/merchants/options.ts";
import { serveServices } from "../../src/app/services.ts";
import type { Served } from "../../src/durable/serve.ts";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { secretKey, webhookSecret, type Scene } from "../scene/scene.ts";
import { codeIn, editedCopy, type Code, type Edit } from "./editedCopy.ts";

export type ServiceSettings = Partial<Pick<ServiceOptions, "pollScheduleMs">> & {
  /** Wraps the gateway that the service talks to Stripe through. */
  readonly gateway?: (gateway: StripeGateway) => StripeGateway;
};

const hourMs = 3_600_000;

export type Source = { readonly code: Code; remove(): Promise<void> };

export const uneditedSource: Source = { code: { serveServices, createStripeGateway }, remove: async () => {} };

/**
 * Copies `src`, with one edit.
 * @throws Error if the edit doesn't match exactly one place: the code has moved on, and the edit has to follow
 */
export async function editedSource(edit: Edit): Promise<Source> {
  const copy = await editedCopy(edit);
  return { code: await codeIn(copy.folder), remove: () => copy.remove() };
}

/** Serves in the place of the scene's own service, which has to be stopped. */
export async function serveSource(
  { code }: Source,
  scene: Scene,
  { gateway = (same) => same, ...settings }: ServiceSettings,
): Promise<Served> {
  return await code.serveServices({
    port: scene.servicePort,
    identityKeys: [],
    stripe: gateway(code.createStripeGateway({ secretKey, apiBase: scene.sandboxUrl })),
    mode: "test",
    webhookSecrets: [webhookSecret],
    pollScheduleMs: [hourMs],
    timeoutMs: 24 * hourMs,
    idempotencyRetentionMs: 48 * hourMs,
    referenceRetentionMs: null,
    reconcileIntervalMs: 0,
    lookUpDelaysMs: [0, 100, 600],
    inactivityTimeoutMs: 100,
    notifications: { ...notificationTimings, receiver: null },
    ...settings,
  });
}
