/**
 * The merchants of MERCHANTS_FILE at the sandbox of `npm start`: each gets an account of its own there, whatever Stripe key the file names,
 * with a webhook endpoint and one for connected accounts. Service and edge are given a file that says so, which is written again whenever
 * the user's own changes.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Environment } from "../config/settings.ts";
import { readForSandbox } from "../merchants/file/entries.ts";
import type { WrittenMerchant } from "../merchants/file/schema.ts";
import { watchMerchants } from "../merchants/file/watchMerchants.ts";
import { createStripeClient } from "../stripe/client.ts";
import { pinnedApiVersion } from "../stripe/inspection.ts";
import { privateFileMode, privateFolderMode } from "./privateFolder.ts";

type SandboxMerchants = {
  /** The file for service and edge. */
  readonly path: string;
  /** The merchants of the file at the start. */
  readonly ids: readonly string[];
  close(): void;
};

export type SandboxMerchantsOptions = {
  /** The user's own file. */
  readonly merchantsFile: string;
  /** Where the secrets of receivers are that the file names. */
  readonly environment: Environment;
  readonly sandboxUrl: string;
  readonly edgeUrl: string;
  readonly dataDir: string;
  readonly onWarning: (line: string) => void;
};

const lookEveryMs = 1000;

/** Where the merchants of the sandbox are written down, whether there are any or not. */
export function sandboxMerchantsFile(dataDir: string): string {
  return join(dataDir, "sandbox", "merchants", "merchants.json");
}

/** A key of the sandbox's, of an account that is the merchant's alone. */
export function sandboxMerchantKey(id: string): string {
  return `sk_test_account_${id}`;
}

/** @throws ConfigError listing every problem of the file */
export async function openSandboxMerchants(options: SandboxMerchantsOptions): Promise<SandboxMerchants> {
  const { environment, onWarning } = options;
  const source = resolve(options.merchantsFile);
  const path = sandboxMerchantsFile(options.dataDir);
  mkdirSync(dirname(path), { recursive: true, mode: privateFolderMode });
  const watched = watchMerchants(
    { path: source, environment, onWarning, ownWebhookSecrets: [], whyNoLiveKeys: null },
    readForSandbox,
  );
  let written: readonly WrittenMerchant[] | null = null;
  let isAtWork = false;
  let isClosed = false;
  let told: string | null = null;

  async function follow(): Promise<void> {
    const merchants = watched.current();
    if (isAtWork || merchants === written) return;
    isAtWork = true;
    try {
      await writeMerchants(options, source, path, merchants);
      written = merchants;
      told = null;
    } finally {
      isAtWork = false;
    }
  }

  /** It is tried again until it succeeds, and told once. */
  function tell(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (!isClosed && problem !== told) onWarning(`MERCHANTS_FILE ${source} is not served as it is now: ${problem}`);
    told = problem;
  }

  await follow();
  const timer = setInterval(() => void follow().catch(tell), lookEveryMs).unref();
  return {
    path,
    ids: watched.current().map(({ id }) => id),
    close() {
      isClosed = true;
      clearInterval(timer);
      watched.close();
    },
  };
}

async function writeMerchants(
  options: SandboxMerchantsOptions,
  source: string,
  path: string,
  merchants: readonly WrittenMerchant[],
): Promise<void> {
  const folder = dirname(path);
  const written: WrittenMerchant[] = [];
  for (const merchant of merchants) {
    // There is no live mode in the sandbox.
    const { mode: _mode, ...settings } = merchant;
    const { id, notifySecret } = settings;
    const stripe = createStripeClient({ secretKey: sandboxMerchantKey(id), apiBase: options.sandboxUrl });
    const url = `${options.edgeUrl}/webhooks/${id}`;
    writePrivately(join(folder, `${id}.key`), sandboxMerchantKey(id));
    for (const connect of [false, true]) {
      await ensureEndpoint(stripe, { url, connect, secretFile: join(folder, secretFileOf(id, connect)) });
    }
    written.push({
      ...settings,
      stripeSecretKey: `file:${id}.key`,
      webhookSecrets: [`file:${secretFileOf(id, false)}`, `file:${secretFileOf(id, true)}`],
      stripeClientId: `ca_account_${id}`,
      // Paths start from the file that names them.
      ...(notifySecret?.startsWith("file:") === true && {
        notifySecret: `file:${resolve(dirname(source), notifySecret.slice("file:".length))}`,
      }),
    });
  }
  writePrivately(`${path}.new`, JSON.stringify({ merchants: written }, null, 2));
  renameSync(`${path}.new`, path);
}

function secretFileOf(id: string, connect: boolean): string {
  return `${id}.${connect ? "connect" : "webhook"}-secret`;
}

const markOfOwn = "npm_start";

/** Stripe shows an endpoint's secret once, so one whose secret is lost is replaced. */
async function ensureEndpoint(
  stripe: ReturnType<typeof createStripeClient>,
  { url, connect, secretFile }: { readonly url: string; readonly connect: boolean; readonly secretFile: string },
): Promise<void> {
  const mark = connect ? "connect" : "own";
  const { data } = await stripe.webhookEndpoints.list({ limit: 100 });
  const known = data.find(({ metadata }) => metadata[markOfOwn] === mark);
  if (known !== undefined && existsSync(secretFile) && readFileSync(secretFile, "utf8") !== "") {
    if (known.url !== url) await stripe.webhookEndpoints.update(known.id, { url });
    return;
  }
  if (known !== undefined) await stripe.webhookEndpoints.del(known.id);
  const made = await stripe.webhookEndpoints.create({
    url,
    enabled_events: ["*"],
    api_version: pinnedApiVersion,
    connect,
    metadata: { [markOfOwn]: mark },
  });
  writePrivately(secretFile, made.secret ?? "");
}

function writePrivately(path: string, text: string): void {
  writeFileSync(path, text, { mode: privateFileMode });
}
