/** `npm start`: edge, engine, service and sandbox (without a Stripe key) as one thing that starts, tells where it is, and stops as one. */
import { randomBytes } from "node:crypto";
import { styleText } from "node:util";
import { ConfigError, loadDevConfig, readEnvironment, type DevConfig } from "../config/config.ts";
import { loadEdgeConfig } from "../config/edgeConfig.ts";
import { isUnset, type Environment } from "../config/settings.ts";
import { EngineStartError } from "../dev/engine.ts";
import { describeFailure, PartFailedError } from "../dev/parts.ts";
import { DataFolderError, privateUmask } from "../dev/privateFolder.ts";
import { RegistrationError } from "../dev/registration.ts";
import { readyScreen, webhookRecipes } from "../dev/screen.ts";
import { stopWithNpm, untilStopRequested } from "../dev/stopRequest.ts";
import { startStack } from "../dev/stack.ts";
import { StartRefusedError, type Stack, type StripeSource } from "../dev/stackOptions.ts";

async function run(stop: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  const environment = readEnvironment();
  stopWithNpm(environment);
  const config = loadDevConfig(environment);
  const stack = await startStack({
    ports: {
      edge: config.edgePort,
      ingress: config.ingressPort,
      admin: config.adminPort,
      service: config.servicePort,
      sandbox: config.sandboxPort,
    },
    dataDir: config.dataDir,
    stripe: stripeSource(config, environment),
    environment,
    onWarning: (part, line) => console.error(`${styleText("dim", `[${part}]`, { stream: process.stderr })} ${line}`),
    signal: stop,
  });
  const unique = randomBytes(16).toString("hex");
  const needsApiKey = !isUnset(environment, "API_KEYS_FILE");
  console.log(readyScreen({ stack, startedInMs: performance.now() - startedAt, needsApiKey, unique }));
  return stopWhenTold(stack, stop);
}

async function stopWhenTold(stack: Stack, stopRequest: AbortSignal): Promise<number> {
  const requested = new Promise<undefined>((told) => {
    stopRequest.addEventListener("abort", () => told(undefined), { once: true });
    if (stopRequest.aborted) told(undefined);
  });
  const failure = await Promise.race([requested, stack.failed]);
  console.log("\nStopping …");
  await stack.stop();
  if (failure === undefined) {
    console.log("Stopped. Waiting payments go on at the next start.");
    return 0;
  }
  console.error(`${describeFailure(failure)}\nSo everything was stopped. The logs are in ${stack.targetDir}.`);
  return 1;
}

function stripeSource(config: DevConfig, environment: Environment): StripeSource {
  const { secretKey, webhookSecrets, apiBase } = config;
  if (secretKey === undefined) return { kind: "sandbox" };
  if (webhookSecrets.length === 0) throw new StartRefusedError(webhookRecipes(config.edgePort));
  // The edge reads its settings when everything else has been started: better now. Its engine is the one that is started here.
  loadEdgeConfig({ ...environment, RESTATE_ADMIN_URL: "", RESTATE_INGRESS_URL: "" });
  return { kind: "account", secretKey, webhookSecrets, apiBase };
}

function messageOf(error: unknown): string {
  const expected = [
    ConfigError,
    StartRefusedError,
    DataFolderError,
    PartFailedError,
    EngineStartError,
    RegistrationError,
  ];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.umask(privateUmask);
const stop = untilStopRequested();
try {
  process.exitCode = await run(stop);
} catch (error) {
  if (stop.aborted) {
    process.exitCode = 0;
  } else {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
// A request to Stripe that was given up may still hold the process for its timeout.
process.exit();
