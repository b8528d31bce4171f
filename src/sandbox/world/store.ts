import { chmodSync, closeSync, mkdirSync, openSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { referenceOf, type StoredObject } from "./storedObjects.ts";
import { ADDED_COLUMNS, SCHEMA } from "./tables.ts";

export type JobKind =
  | "settle_payment"
  | "settle_voucher"
  | "expire_voucher"
  | "expire_session"
  | "settle_refund"
  | "post_balance"
  | "expire_authorization";
export type Job = {
  readonly id: number;
  readonly kind: JobKind;
  readonly subject: string;
  readonly account: string;
  readonly dueAtMs: number;
};

export type Row = Readonly<Record<string, string | number | null>>;

/** Nothing of the work was kept, and the same work may succeed when there is space. */
export class DiskFullError extends Error {
  override readonly name = "DiskFullError";
}

/** How often work that nobody waits for is tried again while the disk is full. */
const FULL_DISK_RETRY_MS = 500;

/** https://sqlite.org/rescode.html#full; a full disk may also show itself as an error of reading or writing. */
const SQLITE_FULL = 13;
const SQLITE_IOERR = 10;

/** The sandbox's memory: one SQLite file (or none, for tests), used synchronously, so that requests never interleave. */
export class Store {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #dataDir: string | null;
  readonly #onWarning: (line: string) => void;
  #group: PromiseWithResolvers<void> | null = null;
  #full = Promise.withResolvers<void>();
  #isFull = false;
  #isClosing = false;

  /** @param onWarning told when the disk is full, and when it no longer is */
  constructor(dataDir: string | null, onWarning: (line: string) => void = () => {}) {
    this.#dataDir = dataDir;
    this.#onWarning = onWarning;
    this.#database = new DatabaseSync(dataDir === null ? ":memory:" : privateFile(dataDir, "sandbox.sqlite"));
    try {
      this.#prepareDatabase();
    } catch (error) {
      this.#database.close();
      throw this.#isOfFullDisk(error) ? this.#noteFull(error) : error;
    }
  }

  #prepareDatabase(): void {
    // Without syncs a commit is in the kernel's hands: killing this process loses nothing, which is what a sandbox must
    // survive; only a power cut may. A sync per checkpoint alone costs half of the throughput.
    // Objects and events are of 2 to 4 KB: on pages of that size each would have one of its own.
    this.#database.exec("PRAGMA page_size = 8192;");
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 10000;");
    this.#database.exec("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;");
    this.#database.exec(SCHEMA);
    for (const { table, column, index } of ADDED_COLUMNS) {
      const isKnown = this.rows(`PRAGMA table_info(${table})`).some(({ name }) => name === column);
      if (!isKnown) this.#database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`);
      this.#database.exec(index);
    }
  }

  close(): void {
    this.#commitGroup();
    this.#database.close();
  }

  /** Resolves when a write finds the disk full. */
  get becomesFull(): Promise<void> {
    return this.#full.promise;
  }

  /** From now on `writeInTheEnd` gives up on a full disk: its work is done again after the next start. */
  stopRetrying(): void {
    this.#isClosing = true;
  }

  /**
   * Runs `work` at once and resolves when it is committed. Work of the same moment shares one commit, which is what most
   * of a request's time goes to; so an answer must not leave before this resolves.
   * @throws DiskFullError
   */
  async write<T>(work: () => T): Promise<T> {
    const group = this.#openGroup();
    let result: T;
    try {
      result = work();
    } catch (error) {
      // Half of the work may be in the open transaction, so everybody in it fails with it.
      throw this.#abandon(group, error);
    }
    await group.promise;
    this.#noteSpace();
    return result;
  }

  /**
   * Like `write`, for work that nobody waits for: on a full disk it is tried until there is space. Null if the sandbox
   * stops before.
   */
  async writeInTheEnd<T>(work: () => T): Promise<T | null> {
    for (;;) {
      try {
        return await this.write(work);
      } catch (error) {
        if (!(error instanceof DiskFullError)) throw error;
        if (this.#isClosing) return null;
        await delay(FULL_DISK_RETRY_MS);
      }
    }
  }

  #openGroup(): PromiseWithResolvers<void> {
    if (this.#group !== null) return this.#group;
    this.run("BEGIN IMMEDIATE");
    const group = Promise.withResolvers<void>();
    this.#group = group;
    // Each writer in the group hears of a failure through its own promise.
    group.promise.catch(() => {});
    setImmediate(() => {
      if (this.#group === group) this.#commitGroup();
    });
    return group;
  }

  #commitGroup(): void {
    const group = this.#group;
    if (group === null) return;
    try {
      this.run("COMMIT");
      this.#group = null;
      group.resolve();
    } catch (error) {
      this.#abandon(group, error);
    }
  }

  /** Rolls the group back, lets everybody in it know why, and gives the reason. */
  #abandon(group: PromiseWithResolvers<void>, error: unknown): unknown {
    this.#group = null;
    // On some failures, a full disk among them, SQLite has rolled back already.
    if (this.#database.isTransaction) this.run("ROLLBACK");
    const reason = this.#isOfFullDisk(error) ? this.#noteFull(error) : error;
    group.reject(reason);
    return reason;
  }

  #isOfFullDisk(error: unknown): boolean {
    if (!(error instanceof Error && "errcode" in error) || this.#dataDir === null) return false;
    const code = Number(error.errcode) & 0xff;
    if (code === SQLITE_FULL) return true;
    const { bavail, bsize } = statfsSync(this.#dataDir);
    return code === SQLITE_IOERR && bavail * bsize < 1_000_000;
  }

  #noteFull(cause: unknown): DiskFullError {
    const where = `The disk that holds ${this.#dataDir} is full`;
    if (!this.#isFull) {
      this.#isFull = true;
      this.#full.resolve();
      this.#onWarning(
        `${where}. The sandbox answers every request with 500 until there is space; nothing that it acknowledged is lost.`,
      );
    }
    return new DiskFullError(`${where}, so nothing was done. Free space and try again with the same idempotency key.`, {
      cause,
    });
  }

  #noteSpace(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#full = Promise.withResolvers<void>();
    this.#onWarning(`There is space again on the disk that holds ${this.#dataDir}. The sandbox goes on by itself.`);
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).lastInsertRowid);
  }

  rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  row(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** `spentOn` is the PaymentIntent that used a payment method up. */
  writeObject(
    object: StoredObject,
    text: string,
    account: string,
    scenario: string | null,
    spentOn: string | null,
    nowMs: number,
  ): void {
    this.run(
      `INSERT INTO objects (id, kind, account, created, payment_intent, charge, customer, scenario, created_at_ms, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET payment_intent = coalesce(excluded.payment_intent, payment_intent), customer = excluded.customer, body = excluded.body`,
      object.id,
      object.object,
      account,
      ("created" in object ? object.created : null) ?? Math.floor(nowMs / 1000),
      spentOn ?? referenceOf(object, "payment_intent"),
      referenceOf(object, "charge"),
      referenceOf(object, "customer"),
      scenario,
      nowMs,
      text,
    );
    if (object.object !== "payment_intent") return;
    // Entries of removed metadata stay behind; the search looks at the object itself before it answers.
    for (const [key, value] of Object.entries(object.metadata)) {
      this.run(
        "INSERT OR IGNORE INTO metadata_entries (key, value, object_id) VALUES (?, ?, ?)",
        key,
        value,
        object.id,
      );
    }
  }

  writeJob(kind: JobKind, subject: string, account: string, dueAtMs: number): void {
    const sql = "INSERT INTO jobs (kind, subject, account, due_at_ms) VALUES (?, ?, ?, ?)";
    this.run(sql, kind, subject, account, dueAtMs);
  }

  dueJobs(nowMs: number, limit: number): Job[] {
    return this.rows("SELECT * FROM jobs WHERE due_at_ms <= ? ORDER BY due_at_ms, id LIMIT ?", nowMs, limit).map(
      (row) => ({
        id: Number(row["id"]),
        kind: row["kind"] as JobKind,
        subject: String(row["subject"]),
        account: String(row["account"]),
        dueAtMs: Number(row["due_at_ms"]),
      }),
    );
  }
}

/**
 * A file that only its owner may read, in a folder of the same kind: the database holds webhook secrets and customers' data. SQLite gives its
 * further files the rights of the first. https://sqlite.org/tempfiles.html
 */
function privateFile(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  closeSync(openSync(path, "a", 0o600));
  // One of an earlier version may be open to others.
  chmodSync(path, 0o600);
  return path;
}
