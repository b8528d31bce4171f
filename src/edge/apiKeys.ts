/**
 * The API keys that are in use: those of the key file, as it is now. A key that is made or revoked counts within a second, without a
 * restart. A file that can't be used leaves the keys as they were: a slip of an editor must not lock every caller out.
 */
import { timingSafeEqual } from "node:crypto";
import { resolve } from "node:path";
import type { Scope } from "../api/scopes.ts";
import { watch } from "../config/watched.ts";
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

const lookEveryMs = 400;

/**
 * @param onWarning is told, once per change, of a file that can't be used or that is open to others. A line never holds what is in the file
 * @throws KeyFileError when the file can't be used at the start
 */
export function openApiKeys(path: string, onWarning: (line: string) => void): ApiKeys {
  const file = resolve(path);
  let toldOpenness: string | null = null;

  function warnOfOpenness(mode: number): void {
    const warning = opennessWarning(file, mode);
    if (warning !== null && warning !== toldOpenness) onWarning(warning);
    toldOpenness = warning;
  }

  const known = watch(
    () => {
      const { text, mode } = readKeyFile(file);
      warnOfOpenness(mode);
      return { mark: text, read: () => knownKeys(parseKeyFile(file, text)) };
    },
    {
      everyMs: lookEveryMs,
      onProblem(error) {
        if (!(error instanceof KeyFileError)) throw error;
        onWarning(`${error.message} The keys that were read before stay in use.`);
      },
    },
  );

  return {
    find: (presented) => {
      const id = keyIdOf(presented);
      const found = id === null ? undefined : known.current().get(id);
      return found !== undefined && timingSafeEqual(hashOfKey(presented), found.hash) ? found.key : null;
    },
    close: () => known.close(),
  };
}

function knownKeys(stored: readonly StoredKey[]): ReadonlyMap<string, KnownKey> {
  return new Map(
    stored.map(({ id, name, merchant, scopes, hash }) => [
      id,
      { key: { id, name, merchant, scopes: new Set(scopes) }, hash: Buffer.from(hash, "hex") },
    ]),
  );
}
