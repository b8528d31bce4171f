/** Changes to a list of API keys, and the list as a table. Pure. */
import type { StoredKey } from "../../edge/apiKeyFile.ts";
import type { KeyChoice, NewKey } from "./keyArguments.ts";

/** A change that the list of keys does not allow. */
export class KeyListError extends Error {}

/**
 * @param made the id and hash of the new key
 * @throws KeyListError when the keys of the name belong to another merchant
 */
export function withNewKey(
  keys: readonly StoredKey[],
  { name, scopes, merchant }: NewKey,
  made: Pick<StoredKey, "id" | "hash">,
  createdAt: Date,
): readonly StoredKey[] {
  const other = keys.find((key) => key.name === name && key.merchant !== merchant);
  if (other !== undefined) {
    throw new KeyListError(
      `The keys named ${name} belong to the merchant ${other.merchant}, and all keys of a name belong to one: it is whom their idempotency keys are about. Give --merchant ${other.merchant}, or another --name.`,
    );
  }
  const { id, hash } = made;
  return [...keys, { id, name, hash, scopes: [...scopes], merchant, createdAt: createdAt.toISOString() }];
}

/** @throws KeyListError when there is no such key */
export function withoutKeys(
  keys: readonly StoredKey[],
  choice: KeyChoice,
): { readonly kept: readonly StoredKey[]; readonly revoked: readonly StoredKey[] } {
  const isChosen = (key: StoredKey) => (choice.kind === "id" ? key.id === choice.id : key.name === choice.name);
  const revoked = keys.filter(isChosen);
  if (revoked.length === 0) {
    const what = choice.kind === "id" ? `the id ${choice.id}` : `the name ${choice.name}`;
    throw new KeyListError(`No key has ${what}. npm run keys -- list shows the keys.`);
  }
  return { kept: keys.filter((key) => !isChosen(key)), revoked };
}

export function keyTable(keys: readonly StoredKey[]): string {
  const head = ["ID", "NAME", "MERCHANT", "CREATED", "SCOPES"];
  const rows = [
    head,
    ...keys.map(({ id, name, merchant, createdAt, scopes }) => [id, name, merchant, createdAt, scopes.join(",")]),
  ];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
