/**
 * A replica of the service for fault runs: `npm run app`, but that a create whose outcome is unknown is looked up within
 * seconds and not within an hour, because the sandbox's search lags by a third of a second. It reads no `.env`.
 */
import { loadAppConfig } from "../../src/config/config.ts";
import { defaultInactivityTimeoutMs } from "../../src/durable/policies.ts";
import { notificationTimings } from "../../src/notifications/options.ts";
import { openServedMerchants } from "../../src/app/merchants.ts";
import { serveServices } from "../../src/app/services.ts";

const { CHAOS_REFERENCE_RETENTION_MS: referenceRetention, ...settings } = process.env;
const config = loadAppConfig(settings);
const { port } = await serveServices({
  port: config.port,
  identityKeys: config.identityKeys,
  ...openServedMerchants(config, settings, (line) => console.warn(line)).options,
  edgeSecrets: config.edgeSecrets,
  ...config.payments,
  // Far below what the setting takes, so that a run sees references forgotten.
  ...(referenceRetention !== undefined && { referenceRetentionMs: Number(referenceRetention) }),
  inactivityTimeoutMs: defaultInactivityTimeoutMs,
  lookUpDelaysMs: [0, 1000, 3000],
  notifications: { ...notificationTimings, receiver: config.notificationReceiver },
});
process.on("disconnect", () => process.exit());
process.send?.({ port });
