/** Files of merchants, and what a test opens them with. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import {
  openMerchants,
  openMerchantWebhooks,
  type MerchantsOptions,
} from "../../../src/merchants/file/openMerchants.ts";
import { temporaryDirectory } from "../../dev/conditions.ts";

/** A secret that stands for all: it must be in no message. */
export const canary = "Canary0815";

export const environment = {
  BOOKS_KEY: `sk_test_books${canary}`,
  BOOKS_WEBHOOKS: `whsec_books${canary}`,
  TOYS_KEY: `rk_test_toys${canary}`,
  TOYS_WEBHOOKS: `whsec_toys${canary},whsec_toysOlder${canary}`,
  LIVE_KEY: `sk_live_books${canary}`,
  NOTIFY: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
};

export const books = { id: "books", stripeSecretKey: "env:BOOKS_KEY", webhookSecrets: ["env:BOOKS_WEBHOOKS"] };
export const toys = { id: "toys", stripeSecretKey: "env:TOYS_KEY", webhookSecrets: ["env:TOYS_WEBHOOKS"] };

/** Writes the merchants into a file, and other texts beside it. */
export function merchantsFile(merchants: readonly object[], beside: Readonly<Record<string, string>> = {}): string {
  const path = join(temporaryDirectory(), "merchants.json");
  write(path, merchants);
  for (const [name, text] of Object.entries(beside)) writeBeside(path, name, text);
  return path;
}

export function write(path: string, merchants: readonly object[]): void {
  writeFileSync(path, JSON.stringify({ merchants }), { mode: 0o600 });
}

export function writeBeside(path: string, name: string, text: string): void {
  const file = join(dirname(path), name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
}

const rules = { ownWebhookSecrets: [], whyNoLiveKeys: null };

export function opened(path: string, options: Partial<MerchantsOptions> = {}) {
  const warnings: string[] = [];
  const onWarning = (line: string): void => void warnings.push(line);
  const merchants = openMerchants({ path, environment, apiBase: undefined, ...rules, onWarning, ...options });
  onTestFinished(() => merchants.close());
  return { merchants, warnings };
}

export function openedByEdge(path: string, options: Partial<MerchantsOptions> = {}) {
  const warnings: string[] = [];
  const onWarning = (line: string): void => void warnings.push(line);
  const merchants = openMerchantWebhooks({ path, environment, ...rules, onWarning, ...options });
  onTestFinished(() => merchants.close());
  return { merchants, warnings };
}
