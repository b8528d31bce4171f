/**
 * The file of API keys (`API_KEYS_FILE`): who may call, as JSON. It holds hashes, so reading it makes nobody a caller; writing it
 * does. A message about it names a field, and quotes nothing of the file.
 */
import { z } from "zod";
import { scopes } from "../api/scopes.ts";
import { defaultMerchant } from "../merchants/rules.ts";
import { FileProblem, openness, readOwnFile, type OwnFile } from "../config/ownFile.ts";
import { keyIdForm } from "./apiKeyForm.ts";

/** A key's name becomes a part of a caller's key space. */
export const shortNameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const shortNameRule = "1 to 64 letters, digits, dots, underscores and hyphens, a letter or digit first";

const storedKeySchema = z.strictObject(
  {
    id: textOf(keyIdForm, "is no key's id"),
    name: textOf(shortNameForm, `is no name: ${shortNameRule}`),
    hash: textOf(/^[0-9a-f]{64}$/, "is no SHA-256 in hexadecimal digits"),
    scopes: z.array(z.enum(scopes, { error: "is no scope" }), { error: "is no list of scopes" }),
    // An earlier version also took capitals and dots. No merchant has such an id, so its keys are refused one by one, and others go on.
    merchant: textOf(shortNameForm, `is no merchant's id: ${shortNameRule}`).default(defaultMerchant),
    createdAt: z.iso.datetime({ error: "is no time such as 2026-11-30T12:00:00.000Z" }),
  },
  { error: objectProblem },
);

export type StoredKey = z.output<typeof storedKeySchema>;

const keyFileSchema = z
  .strictObject({ keys: z.array(storedKeySchema, { error: "is no list" }) }, { error: objectProblem })
  .superRefine(({ keys }, context) => {
    const ids = new Set<string>();
    const merchants = new Map<string, string>();
    for (const [index, { id, name, merchant }] of keys.entries()) {
      if (ids.has(id)) context.addIssue({ code: "custom", path: ["keys", index, "id"], message: "is there twice" });
      ids.add(id);
      // A name and its merchant are one key space: a rotated key must not change whose money it moves.
      if ((merchants.get(name) ?? merchant) !== merchant) {
        const message = "is not the merchant of the other keys of this name";
        context.addIssue({ code: "custom", path: ["keys", index, "merchant"], message });
      }
      merchants.set(name, merchant);
    }
  });

/** A key file that can't be used. The message names the setting, the file, and what is wrong with it. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
  readonly isMissing: boolean;
  constructor(path: string, problem: string, options?: ErrorOptions & { readonly isMissing?: boolean }) {
    super(`API_KEYS_FILE ${path} ${problem}.`, options);
    this.isMissing = options?.isMissing ?? false;
  }
}

/** @throws KeyFileError when there is no such file, or it can't be read */
export function readKeyFile(path: string): OwnFile {
  try {
    return readOwnFile(path);
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    throw new KeyFileError(path, error.message, { cause: error, isMissing: error.isMissing });
  }
}

/** @throws KeyFileError when the text is not that of a key file */
export function parseKeyFile(path: string, text: string): readonly StoredKey[] {
  const result = keyFileSchema.safeParse(jsonOf(path, text));
  if (result.success) return result.data.keys;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the file" : `/${issue.path.join("/")}`;
  throw new KeyFileError(path, `is no file of API keys: ${where} ${issue?.message ?? ""}`);
}

export function keyFileText(keys: readonly StoredKey[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

/** A parser's own message would quote the file. */
function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyFileError(path, "is not JSON");
  }
}

/** The rights that nobody but the owner should have: reading shows who may call, and writing makes callers. */
const rightsOfOthers = 0o066;

/** What is to be said about a file that others may read or write; null where only its owner can. */
export function opennessWarning(path: string, mode: number): string | null {
  const open = openness(mode, rightsOfOthers);
  return open === null ? null : `API_KEYS_FILE ${path} ${open}: whoever writes it can call. Run: chmod 600 ${path}`;
}

/** A field's own word in place of zod's, so that no message quotes a value. */
function textOf(form: RegExp, error: string) {
  return z.string({ error }).regex(form, { error });
}

function objectProblem(issue: { readonly code?: string | undefined }): string {
  return issue.code === "unrecognized_keys" ? "has a field that is not known" : "is no object";
}
