/** The service in a process of its own, with the settings of the model's stage, so that it can be killed. */
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { notificationTimings } from "../../src/notifications/options.ts";
import type { NotificationReceiver } from "../../src/notifications/settings.ts";
import { serveServices } from "../../src/app/services.ts";
import { codeIn, type Code } from "../guards/editedCopy.ts";
import { breakGateway, type Defect } from "./defects.ts";

/** What a process is told once it is its turn; until then it stands by, with everything loaded. */
export type ServiceOrder = {
  readonly port: number;
  readonly apiBase: string;
  readonly secretKey: string;
  readonly webhookSecrets: readonly string[];
  readonly pollScheduleMs: readonly number[];
  readonly inactivityTimeoutMs: number;
  readonly defect: Defect | null;
  /** The merchant's own system, if it is told. */
  readonly receiver: NotificationReceiver | null;
  /** A folder with an edited copy of `src`, to be served instead. */
  readonly source: string | null;
};

const hourMs = 3_600_000;

process.on("disconnect", () => process.exit(0));
process.on("message", (order: ServiceOrder) => void serve(order));
process.send?.("standing by");

async function serve({ secretKey, apiBase, defect, receiver, source, ...settings }: ServiceOrder): Promise<void> {
  const code: Code = source === null ? { serveServices, createStripeGateway } : await codeIn(source);
  await code.serveServices({
    ...settings,
    stripe: breakGateway(code.createStripeGateway({ secretKey, apiBase }), defect),
    identityKeys: [],
    mode: "test",
    timeoutMs: 24 * hourMs,
    idempotencyRetentionMs: 48 * hourMs,
    referenceRetentionMs: null,
    reconcileIntervalMs: 0,
    lookUpDelaysMs: [0, 100, 600],
    notifications: { ...notificationTimings, receiver },
  });
  process.send?.("serving");
}
