/**
 * The API keys that are in use: those of the key file, as it is now. A key that is made or revoked counts within a second, without a
 * restart. A file that can't be used leaves the keys as they were: a slip of an editor must not lock every caller out.
 */
import { timingSafeEqual } from "node:crypto";
import { resolve } from "node:path";
import type { Scope } from "../api/scopes.ts";
import { KeyFileError, opennessWarning, parseKeyFile, readKeyFile, type StoredKey } from "./apiKeyFile.ts";
import { hashOfKey, keyIdOf } from "./apiKeyForm.ts";

export type ApiKey = {
  readonly id: string;
  readonly name: string;
  readonly merchant: string;
  readonly scopes: ReadonlySet<Scope>;
};

export type ApiKeys = {
  /** The key that a caller presents; null for anything that is not a key in use. */
  find(presented: string): ApiKey | null;
  /** Stops looking at the file. */
  close(): void;
};

type KnownKey = { readonly key: ApiKey; readonly hash: Buffer };

/**
 * The file is read again at this pace, and compared as text. Neither a replaced file, nor a link that turns, nor two changes within one
 * tick of the file system's clock is missed so, as events and times of changes would miss them.
 */
const lookEveryMs = 400;

/**
 * @param onWarning is told, once per change, of a file that can't be used or that is open to others. A line never holds what is in the file
 * @throws KeyFileError when the file can't be used at the start
 */
export function openApiKeys(path: string, onWarning: (line: string) => void): ApiKeys {
  const file = resolve(path);
  const first = readKeyFile(file);
  let known = knownKeys(parseKeyFile(file, first.text));
  let seen = markOf({ kind: "read", ...first });
  let openness: string | null = null;
  warnOfOpenness(first.mode);

  function warnOfOpenness(mode: number): void {
    const warning = opennessWarning(file, mode);
    if (warning !== null && warning !== openness) onWarning(warning);
    openness = warning;
  }

  function look(): void {
    const now = lookAt(file);
    if (now.kind === "read") warnOfOpenness(now.mode);
    if (markOf(now) === seen) return;
    seen = markOf(now);
    try {
      if (now.kind === "failed") throw now.error;
      known = knownKeys(parseKeyFile(file, now.text));
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      onWarning(`${error.message} The keys that were read before stay in use.`);
    }
  }
  const timer = setInterval(look, lookEveryMs).unref();

  return {
    find: (presented) => {
      const id = keyIdOf(presented);
      const found = id === null ? undefined : known.get(id);
      return found !== undefined && timingSafeEqual(hashOfKey(presented), found.hash) ? found.key : null;
    },
    close: () => clearInterval(timer),
  };
}

type Look =
  | { readonly kind: "read"; readonly text: string; readonly mode: number }
  | { readonly kind: "failed"; readonly error: KeyFileError };

function lookAt(path: string): Look {
  try {
    return { kind: "read", ...readKeyFile(path) };
  } catch (error) {
    if (error instanceof KeyFileError) return { kind: "failed", error };
    throw error;
  }
}

/** Two looks with one mark saw the same. */
function markOf(look: Look): string {
  return look.kind === "read" ? `read ${look.text}` : `failed ${look.error.message}`;
}

function knownKeys(stored: readonly StoredKey[]): ReadonlyMap<string, KnownKey> {
  return new Map(
    stored.map(({ id, name, merchant, scopes, hash }) => [
      id,
      { key: { id, name, merchant, scopes: new Set(scopes) }, hash: Buffer.from(hash, "hex") },
    ]),
  );
}
