import { randomInt } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { z } from "zod";
import { DAY_MS } from "./clock.ts";
import { newId } from "./identifiers.ts";

/**
 * Faults on order: Stripe and the network at their worst, asked for at the start or through `/_sandbox/faults`.
 * They live in memory; a restarted sandbox has those of its start. Their dice are thrown from a seed, so that the same
 * requests in the same order meet the same faults.
 */
export const WEBHOOK_EFFECTS = ["lose", "double", "delay", "reorder", "before_response"] as const;

export const API_EFFECTS = [
  "error_400", // a refusal without a code; nothing is done, nothing is saved
  "balance_insufficient", // the merchant's balance is too low; nothing is done, nothing is saved
  "error_500", // nothing is done, nothing is saved
  "error_500_saved", // nothing is done, but the key replays the 500
  "error_500_saved_after", // the work is done, and the key replays a 500
  "rate_limit",
  "lock_timeout",
  "conflict",
  "unauthorized",
  "forbidden",
  "html_502",
  "cut_before", // the connection is cut, nothing is done
  "cut_after", // the work is done and saved, then the connection is cut
  "stall", // the work is done, the answer comes late
] as const;

const common = {
  count: z.int().min(0).default(1),
  probability: z.number().min(0).max(1).default(1),
  delayMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS)
    .default(1000),
};

const faultOrder = z.discriminatedUnion("target", [
  z.strictObject({
    target: z.literal("webhook"),
    effect: z.enum(WEBHOOK_EFFECTS),
    eventType: z.string().default("*"),
    ...common,
  }),
  z.strictObject({
    target: z.literal("api"),
    effect: z.enum(API_EFFECTS),
    method: z.string().toUpperCase().default("*"),
    path: z.string().default("*"),
    ...common,
  }),
]);

/** One fault or several. */
export const faultOrders = z.preprocess((input) => [input].flat(), z.array(faultOrder));

export type FaultInput = z.input<typeof faultOrder>;
type FaultOrder = z.output<typeof faultOrder>;
export type Fault = FaultOrder & { readonly id: string; remaining: number };
export type ApiFault = Extract<Fault, { target: "api" }>;
export type WebhookFault = Extract<Fault, { target: "webhook" }>;

export class Faults {
  #faults: Fault[] = [];
  #dice = xoroshiro128plus(0);
  #seed = 0;

  constructor(orders: readonly FaultInput[], seed: number = randomInt(2 ** 31)) {
    this.reseed(seed);
    this.add(faultOrders.parse(orders));
  }

  get seed(): number {
    return this.#seed;
  }

  /** Begins the sequence of the seed, a 32-bit integer, anew. */
  reseed(seed: number): void {
    this.#seed = seed;
    this.#dice = xoroshiro128plus(seed);
  }

  add(orders: readonly FaultOrder[]): readonly Fault[] {
    const added = orders.map((order) => ({ id: newId("fault"), ...order, remaining: order.count }));
    this.#faults.push(...added);
    return added;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  /** False when there is no such fault, or no longer. */
  remove(id: string): boolean {
    const left = this.#faults.filter((fault) => fault.id !== id);
    const isKnown = left.length < this.#faults.length;
    this.#faults = left;
    return isKnown;
  }

  clear(): readonly Fault[] {
    this.#faults = [];
    return this.#faults;
  }

  takeApi(method: string, path: string): ApiFault | undefined {
    return this.#faults.find(
      (fault): fault is ApiFault =>
        fault.target === "api" && matches(fault.method, method) && matches(fault.path, path) && this.#fires(fault),
    );
  }

  takeWebhook(eventType: string): WebhookFault | undefined {
    return this.#faults.find(
      (fault): fault is WebhookFault =>
        fault.target === "webhook" && matches(fault.eventType, eventType) && this.#fires(fault),
    );
  }

  /** Uses the fault up; a count of 0 never runs out. */
  #fires(fault: Fault): boolean {
    if (fault.probability < 1 && uniformFloat64(this.#dice) >= fault.probability) return false;
    if (fault.count === 0) return true;
    fault.remaining -= 1;
    if (fault.remaining === 0) this.#faults = this.#faults.filter(({ id }) => id !== fault.id);
    return true;
  }
}

function matches(pattern: string, value: string): boolean {
  return pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
}
