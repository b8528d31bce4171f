import type { Stripe } from "stripe";
import { DEFAULT_API_VERSION } from "../http/authentication.ts";
import { type Clock, toUnixSeconds } from "../world/clock.ts";
import type { Faults, WebhookFault } from "../world/faults.ts";
import { isPlatform } from "../world/platforms.ts";
import { pendingWebhooks } from "./events.ts";
import type { Sent } from "../http/sent.ts";
import type { Store } from "../world/store.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";
import type { EventType } from "../world/transitions.ts";
import { eventShownIn } from "../world/versions.ts";
import { WebhookSender } from "./webhookSender.ts";
import { endpointsFor, findEndpoint, secretsOf, versionOf } from "./webhookEndpoints.ts";

/** The request that caused events, as the events name it. */
export type Cause = { readonly requestId: string | null; readonly idempotencyKey: string | null };

/** One event on its way to one endpoint. */
type Delivery = {
  readonly id: number;
  readonly eventId: string;
  readonly endpointId: string;
  readonly attempts: number;
  readonly body: string;
};

/** The deliveries that one commit made: which go out now, and which the response must wait for. */
export type Dispatch = {
  readonly now: readonly Delivery[];
  readonly first: readonly Delivery[];
  readonly isReversed: boolean;
};

const MAXIMUM_IN_FLIGHT = 200;
/** Further deliveries wait on disk, so that a slow endpoint doesn't fill the memory. */
const MAXIMUM_QUEUED = 2000;
const RELOAD_LIMIT = 1000;
/** Stands for an event's object until its JSON, which is known already, is put there. */
const SNAPSHOT = "<snapshot>";

/**
 * Deliveries: every event goes to every endpoint that listens, until it answers 2xx or the retries are used up. A
 * delivery is on disk before the request that caused it is answered, so that a killed sandbox makes it after its restart.
 */
export class Deliveries {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #retryDelaysMs: () => readonly number[];
  readonly #onSent: ((sent: Sent) => void) | undefined;
  readonly #sender = new WebhookSender();
  readonly #queue: Delivery[] = [];
  /** Deliveries that are being made or about to be, from the moment they are recorded. */
  readonly #claimed = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  /** Whether deliveries that are due are on disk only. */
  #isOverflowing = false;
  #isClosed = false;
  #alarm: { readonly atMs: number; readonly cancel: () => void } | null = null;

  constructor(
    store: Store,
    clock: Clock,
    faults: Faults,
    retryDelaysMs: () => readonly number[],
    onSent?: (sent: Sent) => void,
  ) {
    this.#onSent = onSent;
    this.#store = store;
    this.#clock = clock;
    this.#faults = faults;
    this.#retryDelaysMs = retryDelaysMs;
  }

  /** Writes the unit's events and their deliveries; runs inside the caller's transaction. */
  record(unit: UnitOfWork, cause: Cause): Dispatch {
    const now: Delivery[] = [];
    const first: Delivery[] = [];
    let isReversed = false;
    for (const { id, type, snapshot, previousAttributes, account, platform } of unit.events) {
      const endpoints = endpointsFor(this.#store, account, type, platform);
      const event = {
        id,
        object: "event" as const,
        ...(isPlatform(account) ? {} : { account }),
        api_version: DEFAULT_API_VERSION,
        created: unit.nowSeconds,
        data: { object: SNAPSHOT, ...(previousAttributes && { previous_attributes: previousAttributes }) },
        livemode: false,
        pending_webhooks: endpoints.length,
        request: { id: cause.requestId, idempotency_key: cause.idempotencyKey },
        type,
      } satisfies Omit<Stripe.EventBase, "type"> & { readonly type: EventType };
      const body = JSON.stringify(event).replace(`"${SNAPSHOT}"`, () => unit.text(snapshot));
      const sql = "INSERT INTO events (id, account, type, created, object_id, body) VALUES (?, ?, ?, ?, ?, ?)";
      this.#store.run(sql, id, account, type, event.created, "id" in snapshot ? snapshot.id : snapshot.customer, body);
      for (const { shown } of endpoints) {
        const fault = this.#faults.takeWebhook(type);
        const effect = fault?.effect;
        const atMs = unit.nowMs + (effect === "delay" ? (fault?.delayMs ?? 0) : 0);
        if (effect === "reorder") isReversed = true;
        for (let copy = 0; copy < (effect === "double" ? 2 : 1); copy++) {
          const delivery = this.#insert(id, shown.id, body, effect === "lose" ? null : atMs, effect);
          if (effect === "lose") continue;
          if (effect === "delay") this.#armFor(atMs);
          else if (effect === "before_response") first.push(this.#claim(delivery));
          else if (this.#claimed.size < MAXIMUM_QUEUED) now.push(this.#claim(delivery));
          else this.#isOverflowing = true;
        }
      }
    }
    for (const { eventId, endpointIds } of unit.resends) {
      const body = String(this.#store.row("SELECT body FROM events WHERE id = ?", eventId)?.["body"]);
      for (const endpointId of endpointIds) {
        first.push(this.#claim(this.#insert(eventId, endpointId, body, unit.nowMs, undefined)));
      }
    }
    return { now, first, isReversed };
  }

  #claim(delivery: Delivery): Delivery {
    this.#claimed.add(delivery.id);
    return delivery;
  }

  /** A delivery without a time is lost on the way: Stripe would say that it sent it. */
  #insert(
    eventId: string,
    endpointId: string,
    body: string,
    atMs: number | null,
    fault: WebhookFault["effect"] | undefined,
  ): Delivery {
    const sql =
      "INSERT INTO deliveries (event_id, endpoint_id, state, next_attempt_at_ms, fault) VALUES (?, ?, ?, ?, ?)";
    const id = this.#store.run(sql, eventId, endpointId, atMs === null ? "lost" : "pending", atMs, fault ?? null);
    return { id, eventId, endpointId, attempts: 0, body };
  }

  /** Sends the deliveries that a commit recorded; resolves when those that must precede the response are through. */
  async dispatch({ now, first, isReversed }: Dispatch): Promise<void> {
    if (isReversed) void this.#track(this.#sendInOrder(now.toReversed()));
    else this.#enqueue(now);
    await Promise.all(first.map((delivery) => this.#track(this.#attempt(delivery))));
  }

  /** Picks up the deliveries that are due, now and at each retry; called once at the start. */
  resume(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    if (this.#isClosed) return;
    const nowMs = this.#clock.now();
    // A delivery to an endpoint that this start doesn't configure waits for one that does.
    const waiting = "state = 'pending' AND endpoint_id IN (SELECT id FROM webhook_endpoints)";
    const due = this.#store.rows(
      `SELECT deliveries.id, event_id, endpoint_id, attempts, body FROM deliveries JOIN events ON events.id = event_id
       WHERE ${waiting} AND next_attempt_at_ms <= ? ORDER BY next_attempt_at_ms, deliveries.id LIMIT ?`,
      nowMs,
      RELOAD_LIMIT + this.#claimed.size,
    );
    const found = due.map((row) => ({
      id: Number(row["id"]),
      eventId: String(row["event_id"]),
      endpointId: String(row["endpoint_id"]),
      attempts: Number(row["attempts"]),
      body: String(row["body"]),
    }));
    this.#isOverflowing = found.length >= RELOAD_LIMIT;
    this.#enqueue(found.filter(({ id }) => !this.#claimed.has(id)).map((delivery) => this.#claim(delivery)));
    const next = this.#store.row(
      `SELECT min(next_attempt_at_ms) AS next FROM deliveries WHERE ${waiting} AND next_attempt_at_ms > ?`,
      nowMs,
    )?.["next"];
    if (typeof next === "number") this.#armFor(next);
  }

  /** Resolves when everything that was due has been answered or has failed. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#alarm?.cancel();
    this.#queue.length = 0;
    this.#sender.close();
    await Promise.all(this.#running);
  }

  #armFor(atMs: number): void {
    if (this.#alarm !== null && this.#alarm.atMs <= atMs) return;
    this.#alarm?.cancel();
    this.#alarm = { atMs, cancel: this.#clock.setAlarm(atMs, () => this.resume()) };
  }

  #enqueue(deliveries: readonly Delivery[]): void {
    this.#queue.push(...deliveries);
    while (this.#running.size < MAXIMUM_IN_FLIGHT) {
      const delivery = this.#queue.shift();
      if (delivery === undefined) return;
      void this.#track(this.#attempt(delivery));
    }
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#running.add(work);
    await work;
    this.#running.delete(work);
    this.#enqueue([]);
    if (this.#isOverflowing && this.#running.size === 0) this.resume();
  }

  async #sendInOrder(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) await this.#attempt(delivery);
  }

  async #attempt(delivery: Delivery): Promise<void> {
    if (this.#isClosed) return;
    const endpoint = findEndpoint(this.#store, delivery.endpointId);
    // Retries of an endpoint that was deleted or disabled end here, https://docs.stripe.com/webhooks#disable.
    if (endpoint?.shown.status !== "enabled") {
      await this.#store.writeInTheEnd(() => this.#giveUp(delivery));
    } else {
      const nowMs = this.#clock.now();
      // A receiver refuses an old signature, so that a clock that was halted must not date it.
      const seconds = toUnixSeconds(Math.max(nowMs, Date.now()));
      const body = this.#render(delivery, versionOf(endpoint));
      this.#onSent?.({ from: "webhook", status: 200, body });
      const { status, error } = await this.#sender.send(endpoint.shown.url, body, secretsOf(endpoint, nowMs), seconds);
      // An attempt that the shutdown broke off doesn't count: it is made again after the restart.
      if (this.#isClosed && error !== null) return;
      await this.#store.writeInTheEnd(() => this.#recordResult(delivery, status, error));
    }
    this.#claimed.delete(delivery.id);
  }

  /** The event as the endpoint's version shows it, as far as the sandbox knows the version, with its present count. */
  #render({ body, eventId, attempts }: Delivery, version: string): string {
    const ours = body.replace(`"api_version":"${DEFAULT_API_VERSION}"`, `"api_version":"${version}"`);
    const named = eventShownIn(version, ours, this.#store);
    if (attempts === 0) return named;
    // The last such key is the event's own: a key of the same name in the metadata comes before it.
    const at = named.lastIndexOf('"pending_webhooks":');
    const pending = `"pending_webhooks":${pendingWebhooks(this.#store, eventId)}`;
    return named.slice(0, at) + named.slice(at).replace(/^"pending_webhooks":\d+/, pending);
  }

  #giveUp({ id }: Delivery): void {
    const error = "The endpoint is disabled or deleted.";
    const sql = "UPDATE deliveries SET state = 'given_up', last_error = ?, next_attempt_at_ms = NULL WHERE id = ?";
    this.#store.run(sql, error, id);
  }

  #recordResult({ id, attempts, endpointId }: Delivery, status: number | null, error: string | null): void {
    const isDelivered = status !== null && status >= 200 && status < 300;
    const isLast = isDelivered || findEndpoint(this.#store, endpointId) === undefined;
    const delayMs = isLast ? undefined : this.#retryDelaysMs()[attempts];
    const state = isDelivered ? "delivered" : delayMs === undefined ? "given_up" : "pending";
    const nextMs = delayMs === undefined ? null : this.#clock.now() + delayMs;
    this.#store.run(
      "UPDATE deliveries SET state = ?, attempts = ?, last_status = ?, last_error = ?, next_attempt_at_ms = ? WHERE id = ?",
      state,
      attempts + 1,
      status,
      error,
      nextMs,
      id,
    );
    if (nextMs !== null) this.#armFor(nextMs);
  }
}
