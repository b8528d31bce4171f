/** Which Stripe a start is for: its folder in the data, what is known of the account, and the keys that its engine and its edge sign with. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sandboxDir } from "../config/engineSockets.ts";
import { checkAccount, type AccountCheck } from "../stripe/account.ts";
import { edgeSecret } from "./edgeSecret.ts";
import { engineIdentity, type EngineIdentity } from "./engineIdentity.ts";
import { privateFolderMode } from "./privateFolder.ts";
import { StartRefusedError, type StackOptions } from "./stackOptions.ts";
import { targetFolder } from "./stripeTarget.ts";

export type KnownTarget = {
  readonly dir: string;
  /** Undefined with the sandbox. */
  readonly account: AccountCheck | undefined;
  /** Whom the service answers to. */
  readonly identity: EngineIdentity;
  /** What the edge signs with, and the service verifies. */
  readonly edgeSecret: string;
};

/** @throws StartRefusedError when Stripe rejects the key */
export async function knowTarget(options: StackOptions): Promise<KnownTarget> {
  const { stripe, dataDir, environment } = options;
  const account = stripe.kind === "sandbox" ? undefined : await acceptedAccount(stripe);
  const dir = stripe.kind === "sandbox" ? sandboxDir(dataDir) : join(dataDir, accountFolder(dataDir, stripe, account));
  mkdirSync(dir, { recursive: true, mode: privateFolderMode });
  const ownSecret = (environment["EDGE_SECRET"] ?? "").trim();
  return { dir, account, identity: engineIdentity(dir), edgeSecret: ownSecret === "" ? edgeSecret(dir) : ownSecret };
}

type Key = { readonly secretKey: string; readonly apiBase: string | undefined };

function accountFolder(dataDir: string, { secretKey, apiBase }: Key, account: AccountCheck | undefined): string {
  return targetFolder(dataDir, { secretKey, apiBase }, account?.kind === "ok" ? account.accountId : undefined);
}

async function acceptedAccount({ secretKey, apiBase }: Key): Promise<AccountCheck> {
  const account = await checkAccountInTime({ secretKey, apiBase });
  if (account.kind !== "rejected") return account;
  throw new StartRefusedError(
    `${account.message}\nCorrect STRIPE_SECRET_KEY in .env or the environment and start again.`,
  );
}

/** Stripe being slow or away must not keep anybody from starting. */
async function checkAccountInTime(key: Key): Promise<AccountCheck> {
  const late: AccountCheck = { kind: "unavailable", message: "Stripe did not answer within 5 s." };
  return Promise.race([checkAccount(key), delay(5_000, late, { ref: false })]);
}
