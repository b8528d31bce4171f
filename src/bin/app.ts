/** `npm run app`: the service endpoint alone, for production. The engine and the webhook endpoint live elsewhere. */
import { ConfigError, loadAppConfig, readEnvironment } from "../config/config.ts";
import type { NotificationReceiver } from "../notifications/settings.ts";
import { defaultInactivityTimeoutMs, defaultLookUpDelaysMs } from "../durable/policies.ts";
import { notificationTimings } from "../notifications/options.ts";
import { openServedMerchants } from "../app/merchants.ts";
import { serveServices } from "../app/services.ts";
import { checkAccount, clockWarning } from "../stripe/account.ts";
import { webhookEventTypes } from "../webhooks/eventTable.ts";

async function main(): Promise<void> {
  const environment = readEnvironment();
  const config = loadAppConfig(environment);
  const merchants = openServedMerchants(config, environment, (line) => console.warn(line));
  const served = await serveServices({
    port: config.port,
    identityKeys: config.identityKeys,
    edgeSecrets: config.edgeSecrets,
    ...merchants.options,
    connectRedirectUri: config.connectRedirectUri,
    ...config.payments,
    inactivityTimeoutMs: defaultInactivityTimeoutMs,
    lookUpDelaysMs: defaultLookUpDelaysMs,
    notifications: { ...notificationTimings, receiver: config.notificationReceiver },
  });
  const count = 1 + (merchants.options.furtherMerchants?.all().length ?? 0);
  console.info(
    `The payment service listens on http://127.0.0.1:${served.port} (Stripe ${config.stripe.mode} mode${count === 1 ? "" : `, ${count} merchants`}).`,
  );
  console.info(`The Stripe webhook endpoint needs these event types: ${webhookEventTypes.join(", ")}`);
  if (config.notificationReceiver !== null) console.info(`Notifications go to ${nameOf(config.notificationReceiver)}.`);

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    merchants.close();
    // A call in flight may wait for Stripe; whatever is cut off here is replayed from the journal elsewhere.
    setTimeout(() => process.exit(0), 5000).unref();
    void served.close().then(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // Started by `npm start`: never outlive it.
  process.on("disconnect", stop);

  const account = await checkAccount(config.stripe);
  switch (account.kind) {
    case "ok": {
      const warning = clockWarning(account.clockAheadMs);
      if (warning !== null) console.warn(warning);
      break;
    }
    case "rejected":
      console.error(
        `${account.message} Check STRIPE_SECRET_KEY: until then every call to Stripe pauses its invocation.`,
      );
      break;
    case "unavailable":
      console.warn(`${account.message} The account is not known; calls that get no answer are retried.`);
      break;
  }
}

/** Of an address only the origin: its path may be a secret. */
function nameOf(receiver: NotificationReceiver): string {
  switch (receiver.kind) {
    case "http":
      return new URL(receiver.url).origin;
    case "service":
      return `${receiver.service}/${receiver.handler}`;
  }
}

try {
  await main();
} catch (error) {
  if (error instanceof ConfigError) console.error(error.message);
  else console.error(portProblemIn(error) ?? error);
  process.exitCode = 1;
}

/** What is wrong with PORT where the error is one of listening there. */
function portProblemIn(error: unknown): string | undefined {
  if (!(error instanceof Error && "syscall" in error && error.syscall === "listen" && "code" in error))
    return undefined;
  const port = "port" in error ? String(error.port) : "";
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${port} is taken. Set PORT to a free port, for example PORT=9081.`;
    case "EACCES":
      return `Port ${port} is not allowed to this user. Set PORT to one above 1023, for example PORT=9080.`;
    default:
      return `The service can't listen on port ${port} (${String(error.code)}). Set PORT to another one, for example PORT=9080.`;
  }
}
