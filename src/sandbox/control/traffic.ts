import type { Row, Store } from "../world/store.ts";

/** The traffic, for a person who debugs an integration: requests, events and their deliveries. */
export type RequestFilter = { readonly path?: string | undefined; readonly method?: string | undefined };

/** The control API's list of requests, oldest first. */
export function listRequests(store: Store, { path, method }: RequestFilter): unknown {
  const rows = store.rows(
    `SELECT id, at_ms, account, method, path, idempotency_key, status, replayed, fault FROM requests
     WHERE path = coalesce(?, path) AND method = coalesce(upper(?), method) ORDER BY seq`,
    path ?? null,
    method ?? null,
  );
  return rows.map((row) => ({
    id: row["id"],
    time: toIso(row["at_ms"]),
    account: row["account"],
    method: row["method"],
    path: row["path"],
    idempotencyKey: row["idempotency_key"],
    /** Null when the connection was cut. */
    status: row["status"],
    replayed: row["replayed"] === 1,
    /** The effect of the fault that it met, null for none. */
    fault: row["fault"],
  }));
}

/** The control API's list of deliveries, oldest first. */
export function listDeliveries(store: Store): unknown {
  const rows = store.rows(
    `SELECT deliveries.*, events.type FROM deliveries JOIN events ON events.id = event_id ORDER BY deliveries.id`,
  );
  return rows.map((row) => ({
    eventId: row["event_id"],
    eventType: row["type"],
    endpoint: row["endpoint_id"],
    state: row["state"],
    attempts: row["attempts"],
    lastStatus: row["last_status"],
    lastError: row["last_error"],
    nextAttempt: toIso(row["next_attempt_at_ms"]),
    fault: row["fault"],
  }));
}

export function toIso(timeMs: unknown): string | null {
  return typeof timeMs === "number" ? new Date(timeMs).toISOString() : null;
}

/** A part of a list, newest first: what came before `before`, or concerns the one object. */
export type Span = { readonly before: number | null; readonly limit: number };

const EVERYTHING_BEFORE = Number.MAX_SAFE_INTEGER;

/** With the kind of the object it was about, null when there is none any more. */
const REQUEST = "requests.*, objects.kind FROM requests LEFT JOIN objects ON objects.id = object_id";

export function newestRequests(store: Store, { before, limit }: Span): Row[] {
  const sql = `SELECT ${REQUEST} WHERE requests.seq < ? ORDER BY requests.seq DESC LIMIT ?`;
  return store.rows(sql, before ?? EVERYTHING_BEFORE, limit);
}

export function requestsOf(store: Store, objectId: string, limit: number): Row[] {
  const sql = `SELECT ${REQUEST} WHERE object_id = ? ORDER BY requests.seq DESC LIMIT ?`;
  return store.rows(sql, objectId, limit);
}

const EVENT = `events.seq, events.id, events.account, type, events.created, object_id,
  (SELECT count(DISTINCT endpoint_id) FROM deliveries WHERE event_id = events.id AND state = 'pending') AS pending`;

export function newestEvents(store: Store, { before, limit }: Span): Row[] {
  const sql = `SELECT ${EVENT} FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?`;
  return store.rows(sql, before ?? EVERYTHING_BEFORE, limit);
}

export function eventsOf(store: Store, objectId: string, limit: number): Row[] {
  return store.rows(`SELECT ${EVENT} FROM events WHERE object_id = ? ORDER BY seq DESC LIMIT ?`, objectId, limit);
}

export function findEvent(store: Store, id: string): Row | undefined {
  return store.row(`SELECT ${EVENT}, body FROM events WHERE id = ?`, id);
}

const DELIVERY = "deliveries.*, type, object_id FROM deliveries JOIN events ON events.id = event_id";

export function newestDeliveries(store: Store, { before, limit }: Span): Row[] {
  const sql = `SELECT ${DELIVERY} WHERE deliveries.id < ? ORDER BY deliveries.id DESC LIMIT ?`;
  return store.rows(sql, before ?? EVERYTHING_BEFORE, limit);
}

/** The deliveries that are still to be made, the next first. */
export function waitingDeliveries(store: Store, limit: number): Row[] {
  const sql = `SELECT ${DELIVERY} WHERE state = 'pending' ORDER BY next_attempt_at_ms LIMIT ?`;
  return store.rows(sql, limit);
}

export function deliveriesOf(store: Store, eventId: string, limit: number): Row[] {
  const sql = `SELECT ${DELIVERY} WHERE event_id = ? ORDER BY deliveries.id DESC LIMIT ?`;
  return store.rows(sql, eventId, limit);
}

export function deliveriesAbout(store: Store, objectId: string, limit: number): Row[] {
  const sql = `SELECT ${DELIVERY} WHERE object_id = ? ORDER BY deliveries.id DESC LIMIT ?`;
  return store.rows(sql, objectId, limit);
}

export type Counts = { objects: number; requests: number; events: number; deliveries: number; waiting: number };

/** Beyond this nobody counts what waits: the number is asked for every second. */
export const MAXIMUM_COUNTED = 1000;

/** Nothing is ever deleted from three of these tables, so that their last row's number is their count. */
export function countTraffic(store: Store): Counts {
  const count = (sql: string): number => Number(store.row(`SELECT coalesce((${sql}), 0) AS n`)?.["n"]);
  return {
    objects: count("SELECT count(*) FROM objects") - count("SELECT count(*) FROM objects WHERE kind = 'order'"),
    requests: count("SELECT max(seq) FROM requests"),
    events: count("SELECT max(seq) FROM events"),
    deliveries: count("SELECT max(id) FROM deliveries"),
    waiting: count(`SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT ${MAXIMUM_COUNTED})`),
  };
}
