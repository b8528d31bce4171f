/** `npm run edge`: the front door alone, for production. Engine and service live elsewhere. */
import { readFileSync } from "node:fs";
import { ConfigError, readEnvironment } from "../config/config.ts";
import { loadEdgeConfig, type EdgeConfig } from "../config/edgeConfig.ts";
import type { Environment } from "../config/settings.ts";
import { startEdge } from "../edge/edge.ts";
import { KeyFileError } from "../edge/apiKeyFile.ts";
import { openMerchantWebhooks } from "../merchants/file/openMerchantWebhooks.ts";

async function main(): Promise<void> {
  const environment = readEnvironment();
  const config = loadEdgeConfig(environment);
  const merchants = openFurtherMerchants(config, environment);
  const edge = await startEdge({
    ...config,
    ...(merchants !== null && { furtherMerchants: () => merchants.all() }),
    version: versionOf(),
    onWarning: warn,
  });
  console.info(`The edge listens on ${edge.url} (Stripe ${config.stripe.mode} mode).`);
  if (config.apiKeysFile === undefined)
    console.info("It takes calls without a key from this machine: Stripe is a sandbox.");
  process.send?.({ url: edge.url });

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), 5000).unref();
    merchants?.close();
    void edge.close().then(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // Started by `npm start`: never outlive it.
  process.on("disconnect", stop);
}

function warn(line: string): void {
  console.warn(line);
}

/** @throws ConfigError listing every problem of MERCHANTS_FILE */
function openFurtherMerchants({ merchantsFile: path, apiKeysFile, stripe }: EdgeConfig, environment: Environment) {
  if (path === undefined) return null;
  return openMerchantWebhooks({
    path,
    environment,
    ownWebhookSecrets: stripe.webhookSecrets,
    whyNoLiveKeys:
      apiKeysFile === undefined
        ? "Its Stripe key is a live one, and without API_KEYS_FILE whoever reaches the edge could charge."
        : null,
    onWarning: warn,
  });
}

function versionOf(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return manifest.version;
}

try {
  await main();
} catch (error) {
  const isExpected = error instanceof ConfigError || error instanceof KeyFileError;
  console.error(isExpected ? error.message : (portProblemIn(error) ?? error));
  process.exitCode = 1;
}

/** The words for an address where the edge can't listen. */
function portProblemIn(error: unknown): string | undefined {
  if (!(error instanceof Error && "syscall" in error && error.syscall === "listen" && "code" in error))
    return undefined;
  return `The edge can't listen on its address (${String(error.code)}). Set EDGE_PORT to a free port, for example EDGE_PORT=8081, and EDGE_HOST to an address of this machine.`;
}
