import { missing } from "../../http/apiError.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { listRows, type Page } from "../../http/lists.ts";
import type { Row } from "../../world/store.ts";
import { namesOf, type StoredKind, type StoredObjects } from "../../world/storedObjects.ts";

/** Objects whose addresses lie under that of another one: reversals of a transfer, refunds of an application fee. */

/** @param field of the part, which names the whole */
export function listParts(call: ApiCall, kind: StoredKind, field: string, wholeId: string): Page {
  const within = [
    { sql: "kind = ?", values: [kind] },
    { sql: `json_extract(body, '$.${field}') = ?`, values: [wholeId] },
  ];
  return listRows(call, "objects", namesOf(kind).noun, [], readBody, within);
}

function readBody(row: Row): unknown {
  return JSON.parse(String(row["body"])) as unknown;
}

/** The object that the last part of the path names, or Stripe's 404. */
export function retrievePart<K extends StoredKind>(
  call: ApiCall,
  kind: K,
  belongs: (part: StoredObjects[K]) => boolean,
): StoredObjects[K] {
  const id = call.path.slice(call.path.lastIndexOf("/") + 1);
  const part = call.unit.find(kind, id);
  if (part !== undefined && belongs(part)) return part;
  const { noun, param } = namesOf(kind);
  throw missing(noun, id, param, 404);
}
