/** Outages of Stripe: it can be reached, and does nothing. Each begins with the first of the payments that are to meet it. */
import { setTimeout as delay } from "node:timers/promises";
import type { Cast } from "./cast.ts";
import type { Dice } from "./dice.ts";
import type { Trouble } from "./records.ts";

/** How long each outage lasts: longer than the deadlines of the payments that meet it. */
export function drawOutages(dice: Dice, count: number): readonly number[] {
  return Array.from({ length: count }, () => dice.integer(8000, 15_000));
}

export class Outages {
  readonly #cast: Pick<Cast, "setStripeDown">;
  readonly #lastsMs: readonly number[];
  readonly #begun = new Map<number, Promise<void>>();
  readonly #ends: Promise<void>[] = [];
  readonly #past: Trouble[] = [];
  #under = 0;

  constructor(cast: Pick<Cast, "setStripeDown">, lastsMs: readonly number[]) {
    this.#cast = cast;
    this.#lastsMs = lastsMs;
  }

  /** Those that have been, once they are over. */
  async over(): Promise<readonly Trouble[]> {
    await Promise.all(this.#ends);
    return this.#past;
  }

  /** Resolves when the outage is there; the first to ask begins it. */
  async begin(number: number): Promise<void> {
    const begun = this.#begun.get(number) ?? this.#strike(this.#lastsMs[number] ?? 0);
    this.#begun.set(number, begun);
    await begun;
  }

  async #strike(lastsMs: number): Promise<void> {
    const fromMs = Date.now();
    if (++this.#under === 1) await this.#cast.setStripeDown(true);
    this.#ends.push(this.#end(fromMs, lastsMs));
  }

  async #end(fromMs: number, lastsMs: number): Promise<void> {
    await delay(lastsMs);
    if (--this.#under === 0) await this.#cast.setStripeDown(false);
    this.#past.push({ fromMs, toMs: Date.now() });
  }
}
