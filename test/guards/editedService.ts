/**
 * The service from a copy of `src` in which a few lines are edited, served in the place of a scene's own: what the engine
 * and Stripe then see is what they would see if somebody had deleted a guard.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { notificationTimings } from "../../src/notifications/options.ts";
import type { ServiceOptions } from "../../src/merchants/options.ts";
import { serveServices } from "../../src/app/services.ts";
import type { Served } from "../../src/durable/serve.ts";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { secretKey, webhookSecret, type Scene } from "../scene/scene.ts";

/** A change of one place of the code. */
export type Edit = { readonly file: string; readonly from: string; readonly to: string };

export type ServiceSettings = Partial<Pick<ServiceOptions, "pollScheduleMs">> & {
  /** Wraps the gateway that the service talks to Stripe through. */
  readonly gateway?: (gateway: StripeGateway) => StripeGateway;
};

const root = resolve(import.meta.dirname, "../..");
const hourMs = 3_600_000;

/** What it takes to serve; from one copy of the code, or from the code itself. */
type Code = {
  readonly serveServices: typeof serveServices;
  readonly createStripeGateway: typeof createStripeGateway;
};

export type Source = { readonly code: Code; remove(): Promise<void> };

export const uneditedSource: Source = { code: { serveServices, createStripeGateway }, remove: async () => {} };

/**
 * Copies `src`, with one edit.
 * @throws Error if the edit doesn't match exactly one place: the code has moved on, and the edit has to follow
 */
export async function editedSource({ file, from, to }: Edit): Promise<Source> {
  const parts = (await readFile(join(root, "src", file), "utf8")).split(from);
  if (parts.length !== 2) throw new Error(`src/${file} has ${parts.length - 1} places that read: ${from}`);
  const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-guard-"));
  await cp(join(root, "src"), join(folder, "src"), { recursive: true });
  await cp(join(root, "package.json"), join(folder, "package.json"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "src", file), parts.join(to));
  const [serve, gateway] = (await Promise.all([
    import(join(folder, "src/app/services.ts")),
    import(join(folder, "src/merchants/gateway.ts")),
  ])) as [Code, Code];
  return {
    code: { serveServices: serve.serveServices, createStripeGateway: gateway.createStripeGateway },
    async remove() {
      await rm(folder, { recursive: true, force: true });
    },
  };
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
