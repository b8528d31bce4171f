/** Secrets that are made for one run, so that finding one of them somewhere means that a secret leaked there. */
import { randomBytes } from "node:crypto";
import type { FurtherMerchant } from "./accounts.ts";

export type Canaries = {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** The signing secret before the last rotation, which the service still takes. */
  readonly oldWebhookSecret: string;
  /** Of the further merchants; the sandbox makes the signing secrets of their endpoints. */
  readonly merchants: Readonly<Record<FurtherMerchant, MerchantCanaries>>;
  /** What edge and service share. */
  readonly edgeSecret: string;
  /** A header that comes with every webhook. */
  readonly webhookHeader: string;
  /** A header that callers send. The engine journals it with the call's input, which is no doing of ours. */
  readonly callerHeader: string;
};

type MerchantCanaries = { readonly secretKey: string; readonly notifySecret: string };

export function newCanaries(): Canaries {
  return {
    secretKey: one("sk_test_"),
    webhookSecret: one("whsec_"),
    oldWebhookSecret: one("whsec_"),
    merchants: {
      // A platform of its own, and another key of that of `default`.
      books: { secretKey: one("sk_test_account_"), notifySecret: notifySecret() },
      toys: { secretKey: one("sk_test_"), notifySecret: notifySecret() },
    },
    edgeSecret: one("edge_"),
    webhookHeader: one("webhook"),
    callerHeader: one("caller"),
  };
}

function one(prefix: string): string {
  return `${prefix}canary${randomBytes(16).toString("hex")}`;
}

/** Standard Webhooks takes base64 only. */
function notifySecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}
