import { isDeepStrictEqual } from "node:util";
import type { Stripe } from "stripe";
import { type Clock, toUnixSeconds } from "./clock.ts";
import { newId } from "./identifiers.ts";
import { platformOf } from "./platforms.ts";
import type { JobKind, Store } from "./store.ts";
import {
  idOf,
  type ReferenceColumn,
  referenceOf,
  type StoredKind,
  type StoredObject,
  type StoredObjects,
} from "./storedObjects.ts";
import { type EventType, kindShownBy, type Transition, TRANSITION_EVENTS } from "./transitions.ts";

/** The sandbox's delays and its address, chosen when it starts. */
export type Pace = { readonly settlementDelayMs: number; readonly searchLagMs: number; readonly baseUrl: () => string };

/** The objects that events show: those that are kept, and three that only describe a state. */
export type ShownObject = StoredObject | Stripe.Application | Stripe.Capability | Stripe.CashBalance;

export type EventDraft = {
  readonly id: string;
  readonly type: EventType;
  readonly snapshot: ShownObject;
  /** The changed fields as they were before an update; null for events that don't name them. */
  readonly previousAttributes: Readonly<Record<string, unknown>> | null;
  readonly account: string;
  /** The platform that hears of it beside the account; null for the one that the account is connected to. */
  readonly platform: string | null;
};

export type FollowUps = Readonly<Partial<Record<EventType, (unit: UnitOfWork, id: string) => void>>>;

type Staged = { readonly object: StoredObject; readonly scenario: string | null; readonly account: string };
type Resend = { readonly eventId: string; readonly endpointIds: readonly string[] };
type NewJob = { readonly kind: JobKind; readonly subject: string; readonly account: string; readonly dueAtMs: number };

/** Everything that is gathered, shared by the views that different accounts have of the same unit. */
type Work = {
  readonly nowMs: number;
  readonly events: EventDraft[];
  readonly objects: Map<string, Staged>;
  readonly jobs: NewJob[];
  readonly resends: Resend[];
  readonly alongside: (() => void)[];
  readonly texts: Map<unknown, string>;
  readonly removed: string[];
  readonly spent: Map<string, string>;
};

/**
 * Everything that one request or one job does, gathered in memory and written at once: objects, events and jobs. Work
 * that is not written never happened, so that a refusal in the middle needs no undoing. It sees and makes the objects of
 * one account; `as` gives the view of another one.
 */
export class UnitOfWork {
  readonly account: string;
  readonly pace: Pace;
  readonly #store: Store;
  readonly #followUps: FollowUps;
  readonly #work: Work;

  /** @param work that of the unit which this one is a view of; by default, a new unit begins */
  constructor(
    store: Store,
    clock: Pick<Clock, "now">,
    account: string,
    pace: Pace,
    followUps: FollowUps,
    work: Work = emptyWork(clock.now()),
  ) {
    this.#store = store;
    this.#followUps = followUps;
    this.#work = work;
    this.account = account;
    this.pace = pace;
  }

  /** The same unit as another account sees it: money that moves between accounts is written at once on both sides. */
  as(account: string): UnitOfWork {
    if (account === this.account) return this;
    return new UnitOfWork(this.#store, { now: () => this.nowMs }, account, this.pace, this.#followUps, this.#work);
  }

  get nowMs(): number {
    return this.#work.nowMs;
  }

  get events(): EventDraft[] {
    return this.#work.events;
  }

  get resends(): readonly Resend[] {
    return this.#work.resends;
  }

  get nowSeconds(): number {
    return toUnixSeconds(this.nowMs);
  }

  find<K extends StoredKind>(kind: K, id: string): StoredObjects[K] | undefined {
    const staged = this.#work.objects.get(id);
    if (staged?.object.object === kind && staged.account === this.account) return staged.object as StoredObjects[K];
    const sql = "SELECT body FROM objects WHERE id = ? AND kind = ? AND account = ?";
    const row = this.#store.row(sql, id, kind, this.account);
    return row === undefined ? undefined : (JSON.parse(String(row["body"])) as StoredObjects[K]);
  }

  /** The platform that the unit's account is connected to; null in a platform, and in an account that has left its own. */
  get platform(): string | null {
    return platformOf(this.#store, this.account);
  }

  /** The account that an object belongs to, whichever it is. */
  ownerOf(id: string): string | undefined {
    const staged = this.#work.objects.get(id)?.account;
    if (staged !== undefined) return staged;
    const owner = this.#store.row("SELECT account FROM objects WHERE id = ?", id)?.["account"];
    return typeof owner === "string" ? owner : undefined;
  }

  /** The new objects of one kind, and the changed ones, in the order in which they were first saved. */
  staged<K extends StoredKind>(kind: K): StoredObjects[K][] {
    return [...this.#work.objects.values()]
      .filter(({ account, object }) => account === this.account && object.object === kind)
      .map(({ object }) => object as StoredObjects[K]);
  }

  /** The connected account in which this unit works; undefined in a platform. */
  readOwnAccount(): Stripe.Account | undefined {
    const row = this.#store.row("SELECT body FROM objects WHERE id = ? AND kind = 'account'", this.account);
    return row === undefined ? undefined : (JSON.parse(String(row["body"])) as Stripe.Account);
  }

  /** The objects of one kind that name the other object, oldest first. */
  list<K extends StoredKind>(kind: K, column: ReferenceColumn, id: string): StoredObjects[K][] {
    const sql = `SELECT id FROM objects WHERE ${column} = ? AND kind = ? AND account = ? ORDER BY seq`;
    const ids = this.#store.rows(sql, id, kind, this.account).map((row) => String(row["id"]));
    for (const object of this.staged(kind)) {
      if (!ids.includes(object.id) && referenceOf(object, column) === id) ids.push(object.id);
    }
    return ids.map((found) => this.find(kind, found)).filter((object) => object !== undefined);
  }

  /** The objects of one kind with that value in a field, newest first. It is slow, and for rare questions only. */
  findByField<K extends StoredKind>(
    kind: K,
    field: keyof StoredObjects[K] & string,
    value: string,
  ): StoredObjects[K][] {
    const sql = `SELECT body FROM objects WHERE account = ? AND kind = ? AND json_extract(body, '$.${field}') = ? ORDER BY seq DESC`;
    const staged = this.staged(kind).toReversed();
    const stored = this.#store
      .rows(sql, this.account, kind, value)
      .map((row) => JSON.parse(String(row["body"])) as StoredObjects[K])
      .filter(({ id }) => !staged.some((object) => object.id === id));
    return [...staged.filter((object) => object[field] === value), ...stored];
  }

  /** Uses up a payment method that no customer has: no other payment may take it. */
  spend(paymentMethodId: string, paymentIntentId: string): void {
    this.#work.spent.set(paymentMethodId, paymentIntentId);
  }

  isSpent(paymentMethodId: string): boolean {
    // A payment method that this very request made can't have been used before.
    if (this.#work.spent.has(paymentMethodId) || this.#work.objects.has(paymentMethodId))
      return this.#work.spent.has(paymentMethodId);
    const row = this.#store.row("SELECT payment_intent FROM objects WHERE id = ?", paymentMethodId);
    return typeof row?.["payment_intent"] === "string";
  }

  scenarioName(id: string): string | null {
    const staged = this.#work.objects.get(id);
    if (staged !== undefined && staged.scenario !== null) return staged.scenario;
    const name = this.#store.row("SELECT scenario FROM objects WHERE id = ?", id)?.["scenario"];
    return typeof name === "string" ? name : null;
  }

  save<T extends StoredObject>(object: T, scenario: string | null = null): T {
    const known = this.#work.objects.get(object.id)?.scenario ?? null;
    this.#work.objects.set(object.id, { object, scenario: scenario ?? known, account: this.account });
    return object;
  }

  remove(id: string): void {
    this.#work.removed.push(id);
  }

  /**
   * Fires the transition's events, in the table's order, each with the one of `objects` that it shows, as that is now.
   * `created` is a new PaymentIntent as it was before anything was tried; without it, or an object, its event is left out.
   * `connected` is the account that it happens to, where that isn't the unit's own, and the platform that hears of it.
   */
  fire(
    transition: Transition,
    objects: readonly (ShownObject | undefined)[],
    created: Stripe.PaymentIntent | null = null,
    connected: { readonly account: string; readonly platform: string } | null = null,
  ): void {
    const firstEvent = this.events.length;
    for (const type of TRANSITION_EVENTS[transition]) {
      const kind = kindShownBy(type);
      const snapshot = type === "payment_intent.created" ? created : objects.find((object) => object?.object === kind);
      if (snapshot === null || snapshot === undefined) continue;
      // A change of a connected account is an event of that account, though the platform makes it.
      const account = snapshot.object === "account" ? snapshot.id : (connected?.account ?? this.account);
      const previousAttributes = type.endsWith(".updated") ? this.#changedOf(snapshot) : null;
      const platform = connected?.platform ?? null;
      this.events.push({ id: newId("evt"), type, snapshot, previousAttributes, account, platform });
    }
    for (const { type, snapshot } of this.events.slice(firstEvent)) {
      if ("id" in snapshot) this.#followUps[type]?.(this, snapshot.id);
    }
  }

  /** Fires `capability.updated`, whose object isn't kept, so that its former fields must be said. */
  fireCapability(snapshot: Stripe.Capability, previousAttributes: Readonly<Record<string, unknown>>): void {
    const account = idOf(snapshot.account) ?? this.account;
    const draft = { type: "capability.updated", snapshot, previousAttributes, account, platform: null } as const;
    this.events.push({ id: newId("evt"), ...draft });
  }

  /** The fields that differ from the stored object, with its values; null when nothing is stored. */
  #changedOf(snapshot: ShownObject): Readonly<Record<string, unknown>> | null {
    const body =
      "id" in snapshot ? this.#store.row("SELECT body FROM objects WHERE id = ?", snapshot.id)?.["body"] : null;
    if (typeof body !== "string") return null;
    const before = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const now = JSON.parse(this.text(snapshot)) as Readonly<Record<string, unknown>>;
    const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const changed = fields.filter((field) => !isDeepStrictEqual(before[field], now[field]));
    return Object.fromEntries(changed.map((field) => [field, before[field] ?? null]));
  }

  /** The subjects of the account's jobs of one kind that wait for their time. */
  waiting(kind: JobKind): string[] {
    const sql = "SELECT subject FROM jobs WHERE kind = ? AND account = ? ORDER BY id";
    return this.#store.rows(sql, kind, this.account).map((row) => String(row["subject"]));
  }

  schedule(kind: JobKind, subject: string, delayMs: number): void {
    this.#work.jobs.push({ kind, subject, account: this.account, dueAtMs: this.nowMs + delayMs });
  }

  dropJobs(subject: string): void {
    this.alongside(() => void this.#store.run("DELETE FROM jobs WHERE subject = ?", subject));
  }

  /** A write of another kind, made before all others. */
  alongside(write: () => void): void {
    this.#work.alongside.push(write);
  }

  /** Sends an event once more to these webhook endpoints, whatever became of it before. */
  resend(eventId: string, endpointIds: readonly string[]): void {
    this.#work.resends.push({ eventId, endpointIds });
  }

  /** The JSON of an object, written once for the store, its events and the answer. */
  text(object: unknown): string {
    const known = this.#work.texts.get(object);
    if (known !== undefined) return known;
    const text = JSON.stringify(object);
    this.#work.texts.set(object, text);
    return text;
  }

  /** When the earliest of the jobs scheduled here is due. */
  get firstJobAtMs(): number | null {
    return this.#work.jobs.length === 0 ? null : Math.min(...this.#work.jobs.map(({ dueAtMs }) => dueAtMs));
  }

  /** Writes objects and jobs; the events go with their deliveries. Runs inside the caller's transaction. */
  write(): void {
    for (const write of this.#work.alongside) write();
    for (const id of this.#work.removed) this.#store.run("DELETE FROM objects WHERE id = ?", id);
    for (const { object, scenario, account } of this.#work.objects.values()) {
      const spentOn = this.#work.spent.get(object.id) ?? null;
      this.#work.spent.delete(object.id);
      this.#store.writeObject(object, this.text(object), account, scenario, spentOn, this.nowMs);
    }
    for (const [id, spentOn] of this.#work.spent)
      this.#store.run("UPDATE objects SET payment_intent = ? WHERE id = ?", spentOn, id);
    for (const job of this.#work.jobs) this.#store.writeJob(job.kind, job.subject, job.account, job.dueAtMs);
  }
}

function emptyWork(nowMs: number): Work {
  return {
    nowMs,
    events: [],
    objects: new Map(),
    jobs: [],
    resends: [],
    alongside: [],
    texts: new Map(),
    removed: [],
    spent: new Map(),
  };
}
