/** Secrets that are made for one run, so that finding one of them somewhere means that a secret leaked there. */
import { randomBytes } from "node:crypto";

export type Canaries = {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** The signing secret before the last rotation, which the service still takes. */
  readonly oldWebhookSecret: string;
  /** What edge and service share. */
  readonly edgeSecret: string;
  /** A header that comes with every webhook. */
  readonly webhookHeader: string;
  /** A header that callers send. The engine journals it with the call's input, which is no doing of ours. */
  readonly callerHeader: string;
};

export function newCanaries(): Canaries {
  return {
    secretKey: one("sk_test_"),
    webhookSecret: one("whsec_"),
    oldWebhookSecret: one("whsec_"),
    edgeSecret: one("edge_"),
    webhookHeader: one("webhook"),
    callerHeader: one("caller"),
  };
}

function one(prefix: string): string {
  return `${prefix}canary${randomBytes(16).toString("hex")}`;
}
