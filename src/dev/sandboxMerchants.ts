/**
 * The merchants of MERCHANTS_FILE at the sandbox of `npm start`: each gets an account of its own there, whatever Stripe key the file names,
 * with a webhook endpoint and one for connected accounts. Service and edge are given a file that says so, which is written again whenever
 * the user's own changes.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError } from "../config/config.ts";
import { readOwnFile } from "../config/ownFile.ts";
import { watch } from "../config/watched.ts";
import { merchantsFileSchema, type WrittenMerchant } from "../merchants/file/schema.ts";
import { createStripeClient } from "../stripe/client.ts";
import { privateFileMode, privateFolderMode } from "./privateFolder.ts";

type SandboxMerchants = {
  /** The file for service and edge. */
  readonly path: string;
  close(): void;
};

export type SandboxMerchantsOptions = {
  /** The user's own file. */
  readonly merchantsFile: string;
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

/** @throws ConfigError for a file that is no file of merchants. What is wrong with its secrets, the service says. */
export async function openSandboxMerchants(options: SandboxMerchantsOptions): Promise<SandboxMerchants> {
  const source = resolve(options.merchantsFile);
  const path = sandboxMerchantsFile(options.dataDir);
  mkdirSync(dirname(path), { recursive: true, mode: privateFolderMode });
  let writing: Promise<void> = Promise.resolve();
  const write = (merchants: readonly WrittenMerchant[]) => {
    writing = writing.then(() => writeMerchants(options, source, path, merchants));
    return writing;
  };
  let known: readonly WrittenMerchant[] | null = null;
  const watched = watch(
    () => {
      const { text } = readOwnFile(source);
      return { mark: text, read: () => merchantsIn(source, text) };
    },
    {
      everyMs: lookEveryMs,
      onProblem: (error) => options.onWarning(error instanceof Error ? error.message : String(error)),
    },
  );
  const follow = async () => {
    const merchants = watched.current();
    if (merchants === known) return;
    known = merchants;
    await write(merchants);
  };
  await follow();
  const timer = setInterval(() => {
    follow().catch((error: unknown) => options.onWarning(`MERCHANTS_FILE ${source}: ${String(error)}`));
  }, lookEveryMs).unref();
  return {
    path,
    close() {
      clearInterval(timer);
      watched.close();
    },
  };
}

function merchantsIn(source: string, text: string): readonly WrittenMerchant[] {
  const read = merchantsFileSchema.safeParse(parsed(text));
  if (read.success) return read.data.merchants;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "it"} ${message}`);
  throw new ConfigError(problems.map((problem) => `MERCHANTS_FILE ${source}: ${problem}`));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
    const { id, notifySecret } = merchant;
    const stripe = createStripeClient({ secretKey: sandboxMerchantKey(id), apiBase: options.sandboxUrl });
    const url = `${options.edgeUrl}/webhooks/${id}`;
    writePrivately(join(folder, `${id}.key`), sandboxMerchantKey(id));
    for (const connect of [false, true]) {
      await ensureEndpoint(stripe, { url, connect, secretFile: join(folder, secretFileOf(id, connect)) });
    }
    written.push({
      ...merchant,
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
    connect,
    metadata: { [markOfOwn]: mark },
  });
  writePrivately(secretFile, made.secret ?? "");
}

function writePrivately(path: string, text: string): void {
  writeFileSync(path, text, { mode: privateFileMode });
}
