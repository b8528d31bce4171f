import { ApiError } from "../http/apiError.ts";
import type { Parts } from "../objects/parts.ts";
import type { StoredKind, StoredObjects } from "../world/storedObjects.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";

/** The result of a person's click: a value, or Stripe's error, with a decline's traces kept as the API keeps them. */
export type Done<T> = { readonly value: T } | { readonly error: ApiError };

export async function act<T>(
  { store, ledger, deliveries }: Parts,
  objectId: string,
  work: (unit: UnitOfWork) => T,
): Promise<Done<T>> {
  const account = String(store.row("SELECT account FROM objects WHERE id = ?", objectId)?.["account"]);
  const unit = ledger.begin(account);
  try {
    const value = work(unit);
    await deliveries.dispatch(await ledger.commit(unit));
    return { value };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.aftermath === "declined") await deliveries.dispatch(await ledger.commit(unit));
    return { error };
  }
}

/** The object as it is now, whichever account's; a page's address is all that its visitor has. */
export function look<K extends StoredKind>({ store }: Parts, kind: K, id: string): StoredObjects[K] | null {
  const row = store.row("SELECT body FROM objects WHERE id = ? AND kind = ?", id, kind);
  return row === undefined ? null : (JSON.parse(String(row["body"])) as StoredObjects[K]);
}

/** Reads within the account that the object belongs to; nothing is written. */
export function lookAround<T>({ store, ledger }: Parts, objectId: string, read: (unit: UnitOfWork) => T): T {
  return read(ledger.begin(String(store.row("SELECT account FROM objects WHERE id = ?", objectId)?.["account"])));
}
