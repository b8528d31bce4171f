/** Keys and key files for the tests of the edge. */
import { writeFileSync } from "node:fs";
import { keyFileText, type StoredKey } from "../../src/edge/apiKeyFile.ts";
import { makeApiKey } from "../../src/edge/apiKeyForm.ts";

/** A key as its owner has it, and as the file has it. */
export function testKey(fields: Partial<StoredKey> = {}): { readonly text: string; readonly stored: StoredKey } {
  const { text, id, hash } = makeApiKey();
  const stored: StoredKey = {
    id,
    name: "shop",
    hash,
    scopes: ["payments:write"],
    merchant: "default",
    createdAt: "2026-11-29T12:00:00.000Z",
    ...fields,
  };
  return { text, stored };
}

export function writeKeyFile(path: string, keys: readonly StoredKey[], mode = 0o600): void {
  writeFileSync(path, keyFileText(keys), { mode });
}
