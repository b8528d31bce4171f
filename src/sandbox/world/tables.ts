/** The tables of the store, each in one place for all who query them. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, account TEXT NOT NULL, created INTEGER NOT NULL,
  payment_intent TEXT, charge TEXT, customer TEXT, scenario TEXT, created_at_ms INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_newest ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_payment_intent ON objects (payment_intent) WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_charge ON objects (charge) WHERE charge IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_customer ON objects (customer) WHERE customer IS NOT NULL;
CREATE TABLE IF NOT EXISTS metadata_entries (
  key TEXT NOT NULL, value TEXT NOT NULL, object_id TEXT NOT NULL, PRIMARY KEY (value, key, object_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, type TEXT NOT NULL, created INTEGER NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY, mode TEXT NOT NULL, base_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS webhook_endpoints (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, created INTEGER NOT NULL,
  connect INTEGER NOT NULL, secret TEXT NOT NULL, old_secret TEXT, old_secret_until_ms INTEGER, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER, last_error TEXT, next_attempt_at_ms INTEGER);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event_id);
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (next_attempt_at_ms) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS jobs (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, account TEXT NOT NULL, due_at_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due_at_ms);
CREATE INDEX IF NOT EXISTS jobs_subject ON jobs (subject);
CREATE TABLE IF NOT EXISTS answers (
  account TEXT NOT NULL, key TEXT NOT NULL, endpoint TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
  body TEXT NOT NULL, saved_at_ms INTEGER NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS requests (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at_ms INTEGER NOT NULL, account TEXT NOT NULL, method TEXT NOT NULL,
  path TEXT NOT NULL, idempotency_key TEXT, status INTEGER, replayed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS connect_tokens (
  token TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL, platform TEXT NOT NULL, expires_at_ms INTEGER,
  is_used INTEGER NOT NULL, code TEXT, return_url TEXT, refresh_url TEXT);
CREATE TABLE IF NOT EXISTS capability_requests (
  account TEXT NOT NULL, capability TEXT NOT NULL, requested_at INTEGER NOT NULL, PRIMARY KEY (account, capability));
`;

/** Columns that files of earlier versions lack: the object of a history's entry, and the fault that was met. */
export const ADDED_COLUMNS = [
  ...["events", "requests"].map((table) => ({
    table,
    column: "object_id",
    index: `CREATE INDEX IF NOT EXISTS ${table}_object ON ${table} (object_id) WHERE object_id IS NOT NULL`,
  })),
  ...["requests", "deliveries"].map((table) => ({ table, column: "fault", index: "" })),
];
