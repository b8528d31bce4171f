/** The merchants at the sandbox: their connected accounts and webhook endpoints, and the file by which service and edge know of them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stripe } from "stripe";
import { furtherMerchants, type MerchantName } from "./accounts.ts";
import type { Canaries } from "./canaries.ts";
import type { Receivers } from "./receivers.ts";
import type { MerchantRecord } from "./records.ts";

/** A merchant with everything that must be found nowhere. */
export type RigMerchant = MerchantRecord & {
  readonly id: MerchantName;
  readonly secretKey: string;
  /** Of the merchant's own endpoint, of the Connect endpoint, and of none any more. */
  readonly webhookSecrets: readonly string[];
};

const apiVersion = "2026-10-28.endive";

/**
 * Makes what the merchants have at the sandbox: two connected accounts for each platform, and two endpoints for each merchant, but for the
 * one that the sandbox was started with.
 */
export async function openMerchants(
  sandboxUrl: string,
  roadUrl: string,
  canaries: Canaries,
): Promise<readonly RigMerchant[]> {
  const { books, toys } = canaries.merchants;
  const [own, ofBooks] = [clientOf(sandboxUrl, canaries.secretKey), clientOf(sandboxUrl, books.secretKey)];
  const [ownAccounts, booksAccounts] = [await connect(sandboxUrl, own), await connect(sandboxUrl, ofBooks)];
  const endpoint = async (stripe: Stripe, merchant: MerchantName, isConnect: boolean) => {
    const { secret = "" } = await stripe.webhookEndpoints.create({
      url: `${roadUrl}/${merchant}`,
      enabled_events: ["*"],
      api_version: apiVersion,
      connect: isConnect,
    });
    return secret;
  };
  const both = async (stripe: Stripe, merchant: MerchantName) => [
    await endpoint(stripe, merchant, false),
    await endpoint(stripe, merchant, true),
  ];
  return [
    {
      id: "default",
      secretKey: canaries.secretKey,
      webhookSecrets: [canaries.webhookSecret, await endpoint(own, "default", true), canaries.oldWebhookSecret],
      ownAccount: await accountOf(own),
      connected: ownAccounts,
      isTold: false,
    },
    {
      id: "books",
      secretKey: books.secretKey,
      webhookSecrets: await both(ofBooks, "books"),
      ownAccount: await accountOf(ofBooks),
      connected: booksAccounts,
      isTold: true,
    },
    {
      id: "toys",
      secretKey: toys.secretKey,
      webhookSecrets: await both(clientOf(sandboxUrl, toys.secretKey), "toys"),
      ownAccount: await accountOf(own),
      connected: ownAccounts,
      isTold: true,
    },
  ];
}

/** Writes MERCHANTS_FILE, and a file for each secret that it names. */
export function writeMerchantsFile(
  dir: string,
  merchants: readonly RigMerchant[],
  canaries: Canaries,
  receivers: Pick<Receivers, "urlOf">,
): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const secretFile = (name: string, secret: string): string => {
    writeFileSync(join(dir, name), secret, { mode: 0o600 });
    return `file:${name}`;
  };
  const entries = furtherMerchants.map((id) => {
    const { secretKey = "", webhookSecrets = [] } = merchants.find((merchant) => merchant.id === id) ?? {};
    return {
      id,
      stripeSecretKey: secretFile(`${id}-key`, secretKey),
      webhookSecrets: webhookSecrets.map((secret, index) => secretFile(`${id}-webhooks-${index}`, secret)),
      notifyUrl: receivers.urlOf(id),
      notifySecret: secretFile(`${id}-notify`, canaries.merchants[id].notifySecret),
    };
  });
  const path = join(dir, "merchants.json");
  writeFileSync(path, JSON.stringify({ merchants: entries }), { mode: 0o600 });
  return path;
}

function clientOf(sandboxUrl: string, secretKey: string): Stripe {
  const { hostname, port } = new URL(sandboxUrl);
  return new Stripe(secretKey, { host: hostname, port, protocol: "http", maxNetworkRetries: 0 });
}

async function accountOf(stripe: Stripe): Promise<string> {
  return (await stripe.accounts.retrieveCurrent()).id;
}

async function connect(sandboxUrl: string, stripe: Stripe): Promise<readonly string[]> {
  const accounts: string[] = [];
  for (let count = 0; count < 2; count++) {
    const { id } = await stripe.accounts.create({ type: "standard" });
    const response = await fetch(`${sandboxUrl}/_sandbox/onboard`, {
      method: "POST",
      body: JSON.stringify({ account: id, outcome: "done" }),
    });
    if (!response.ok) throw new Error(`The sandbox does not onboard ${id}: ${await response.text()}`);
    accounts.push(id);
  }
  return accounts;
}
