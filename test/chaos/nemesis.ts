/** Kills and stops the processes, at points of the run that were drawn from the seed. */
import { setTimeout as delay } from "node:timers/promises";
import { type Cast, type Member, members } from "./cast.ts";
import type { Dice } from "./dice.ts";
import type { Trouble } from "./records.ts";

export type Blow = {
  readonly kind: "kill" | "stop";
  readonly victim: Member;
  /** It falls when that many payments have begun. */
  readonly atPayment: number;
  /** How long the victim stays dead, or stands still. */
  readonly pauseMs: number;
};

/** Blows fall on each member in turn, in an order of their own, so that nobody is spared. */
export function drawBlows(dice: Dice, payments: number, kills: number): readonly Blow[] {
  const stops = kills === 0 ? 0 : Math.max(members.length, Math.ceil(kills / 2));
  const blows = dice.shuffled([
    ...victims(dice, kills).map((victim) => ({ kind: "kill" as const, victim, pauseMs: dice.integer(0, 1500) })),
    ...victims(dice, stops).map((victim) => ({ kind: "stop" as const, victim, pauseMs: dice.integer(500, 4000) })),
  ]);
  const stepPayments = payments / (blows.length + 1);
  return blows.map((blow, index) => ({
    ...blow,
    atPayment: Math.max(1, Math.round((index + 0.5 + dice.fraction()) * stepPayments)),
  }));
}

function victims(dice: Dice, count: number): readonly Member[] {
  const rounds = Array.from({ length: Math.ceil(count / members.length) }, () => dice.shuffled(members));
  return rounds.flat().slice(0, count);
}

export class Nemesis {
  readonly #cast: Cast;
  readonly #blows: readonly Blow[];
  /** How many payments may begin while a blow is due: else a slow blow would fall on nobody. */
  readonly #lead: number;
  readonly #waiting = new Set<() => void>();
  readonly #troubles: Trouble[] = [];
  #begun = 0;
  #fallen = 0;

  constructor(cast: Cast, blows: readonly Blow[], lead: number) {
    this.#cast = cast;
    this.#blows = blows;
    this.#lead = lead;
  }

  /** When the victims were dead or stood still. */
  get troubles(): readonly Trouble[] {
    return this.#troubles;
  }

  /** Tells that a payment begins, and holds it back while the blows are behind. */
  async begin(limit: AbortSignal): Promise<void> {
    this.#begun++;
    this.#changed();
    const mine = this.#begun;
    await this.#until(() => {
      const next = this.#blows[this.#fallen];
      return next === undefined || mine <= next.atPayment + this.#lead;
    }, limit);
  }

  /** Strikes until the last blow has fallen. */
  async strike(limit: AbortSignal): Promise<void> {
    for (const blow of this.#blows) {
      await this.#until(() => this.#begun >= blow.atPayment, limit);
      const fromMs = Date.now();
      await this.#fall(blow);
      this.#troubles.push({ fromMs, toMs: Date.now() });
      this.#fallen++;
      this.#changed();
    }
  }

  async #fall({ kind, victim, pauseMs }: Blow): Promise<void> {
    switch (kind) {
      case "kill":
        await this.#cast.kill(victim);
        await delay(pauseMs);
        await this.#cast.restart(victim);
        break;
      case "stop":
        this.#cast.signal(victim, "SIGSTOP");
        await delay(pauseMs);
        this.#cast.signal(victim, "SIGCONT");
        break;
    }
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #until(holds: () => boolean, limit: AbortSignal): Promise<void> {
    while (!holds()) {
      limit.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        this.#waiting.add(resolve);
        limit.addEventListener("abort", () => reject(limit.reason as Error), { once: true });
      });
    }
  }
}
