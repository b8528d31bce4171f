/**
 * Which data folder belongs to which Stripe. An invocation begun against one Stripe account must never be resumed against
 * another: it would look for PaymentIntents that don't exist there, and decide wrongly. So there is an engine folder per target:
 * `sandbox`, or `<test|live>-<hash of the account>`.
 *
 * The account is known from one read at start. Stripe may be unreachable then, and that must not block the start, so `targets.json`
 * remembers the folder per key (by a hash: the key itself is never written). A key belongs to one account for ever, so the
 * remembered folder is always a right one. Of a key that was never seen and cannot be asked about, only the key itself is known:
 * it gets a folder by its own hash, and keeps that folder even when its account becomes known later, because payments may be waiting in
 * it. A second key of the same account (a rotated one) goes on in the folder that its account has already.
 *
 * The address of the API is part of both hashes: a mock may call its account what it likes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { stripeModeOf } from "../config/config.ts";
import { DataFolderError, privateFileMode, privateFolderMode } from "./privateFolder.ts";

export type StripeKey = { readonly secretKey: string; readonly apiBase: string | undefined };

/** The account behind a key, or undefined when Stripe could not be asked. */
type KnownAccount = string | undefined;

/**
 * The folder name for a key, remembered in `<dataDir>/targets.json`.
 * @throws DataFolderError when that file is damaged: guessing a folder could leave waiting payments behind
 */
export function targetFolder(dataDir: string, key: StripeKey, accountId: KnownAccount): string {
  const path = join(dataDir, "targets.json");
  const targets = readTargets(path);
  const keyHash = hashOf(`key ${origin(key)} ${key.secretKey}`);
  const remembered = targets[keyHash];
  const target = choose(
    targets,
    remembered,
    key,
    keyHash,
    accountId === undefined ? undefined : accountHash(key, accountId),
  );
  if (remembered?.folder !== target.folder || remembered.account !== target.account) {
    mkdirSync(dataDir, { recursive: true, mode: privateFolderMode });
    writeFileSync(`${path}.new`, `${JSON.stringify({ ...targets, [keyHash]: target }, null, 2)}\n`, {
      mode: privateFileMode,
    });
    renameSync(`${path}.new`, path);
  }
  return target.folder;
}

const targetSchema = z.object({ folder: z.string().regex(/^(test|live)-[\w-]+$/), account: z.string().optional() });
const targetsSchema = z.record(z.string(), targetSchema);
type Target = { readonly folder: string; readonly account?: string | undefined };

function choose(
  targets: Readonly<Record<string, Target>>,
  remembered: Target | undefined,
  key: StripeKey,
  keyHash: string,
  account: string | undefined,
): Target {
  const mode = stripeModeOf(key.secretKey);
  if (account === undefined) return remembered ?? { folder: `${mode}-key-${keyHash}` };
  const belongsToAccount = remembered?.account === undefined || remembered.account === account;
  if (remembered !== undefined && belongsToAccount) return { folder: remembered.folder, account };
  const sibling = Object.values(targets).find(
    (target) => target.account === account && target.folder.startsWith(`${mode}-`),
  );
  return { folder: sibling?.folder ?? `${mode}-${account}`, account };
}

function accountHash(key: StripeKey, accountId: string): string {
  return hashOf(key.apiBase === undefined ? accountId : `${accountId} at ${key.apiBase}`);
}

function origin(key: StripeKey): string {
  return key.apiBase ?? "https://api.stripe.com";
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function readTargets(path: string): Readonly<Record<string, Target>> {
  try {
    return targetsSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw new DataFolderError(
      path,
      `is damaged. It says which data folder belongs to which Stripe key. Restore it, or delete it if no payment waits in ${path.replace("targets.json", "test-… or live-…")}`,
      { cause: error },
    );
  }
}
