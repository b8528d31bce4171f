/**
 * What the stack tells its sandbox process, over the IPC channel: the webhook secret is in no argument list and no environment
 * that others can read.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { sandboxDir } from "../config/engineSockets.ts";
import { privateFileMode, privateFolderMode } from "./privateFolder.ts";

/** The argument that makes `src/bin/sandbox.ts` wait for its options instead of reading the settings. */
export const optionsFromParent = "--options-from-parent";

const webhookSchema = z.strictObject({
  url: z.string(),
  secret: z.string(),
  connect: z.boolean().optional(),
  secretKey: z.string().optional(),
});

export const sandboxLaunchSchema = z.object({
  port: z.number(),
  dataDir: z.string(),
  webhook: z.union([webhookSchema, z.array(webhookSchema)]),
  settlementDelayMs: z.number().optional(),
  webhookRetryDelaysMs: z.array(z.number()).optional(),
  searchLagMs: z.number().optional(),
});

export type SandboxLaunch = z.input<typeof sandboxLaunchSchema>;

export const sandboxReadySchema = z.object({ url: z.string() });

/** This is no real key; it has the form of one, because every reader of a key expects that. */
export const sandboxSecretKey = "sk_test_sandbox_of_this_machine";

/** The client id of that key's account, for OAuth. */
export const sandboxClientId = "ca_sandbox_platform";

/** The signing secret of the sandbox's webhooks: made once per data folder, readable by its owner only. */
export function sandboxWebhookSecret(dataDir: string): string {
  const path = webhookSecretPath(dataDir);
  mkdirSync(sandboxDir(dataDir), { recursive: true, mode: privateFolderMode });
  try {
    // "wx" leaves an existing one alone: webhooks that wait for delivery may be signed with it.
    writeFileSync(path, `whsec_${randomBytes(24).toString("base64url")}`, { flag: "wx", mode: privateFileMode });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readFileSync(path, "utf8").trim();
}

/** The same for a reader who starts nothing: undefined when no sandbox was started with this folder. */
export function knownSandboxWebhookSecret(dataDir: string): string | undefined {
  const path = webhookSecretPath(dataDir);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}

function webhookSecretPath(dataDir: string): string {
  return join(sandboxDir(dataDir), "webhook-secret");
}
