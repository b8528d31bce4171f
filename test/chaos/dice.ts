/**
 * Everything that a run draws comes from its seed. Each part has dice of its own, named, so that one part drawing more does
 * not change what another one draws. What the machine makes of it in time is not repeatable; what is asked of it is.
 */
import { hash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export type Dice = {
  /** From 0 inclusive to 1 exclusive. */
  fraction(): number;
  /** Both ends included. */
  integer(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  shuffled<T>(things: readonly T[]): T[];
};

/** @param name what the dice are for */
export function diceOf(seed: number, name: string): Dice {
  const own = Number.parseInt(hash("sha256", `${seed} ${name}`).slice(0, 8), 16) | 0;
  const generator = xoroshiro128plus(own);
  const fraction = () => uniformFloat64(generator);
  const integer = (from: number, to: number) => from + Math.floor(fraction() * (to - from + 1));
  return {
    fraction,
    integer,
    chance: (probability) => fraction() < probability,
    pick(choices) {
      const choice = choices[integer(0, choices.length - 1)];
      if (choice === undefined) throw new Error("There is nothing to pick from.");
      return choice;
    },
    shuffled(things) {
      const left = [...things];
      return Array.from({ length: left.length }, () => left.splice(integer(0, left.length - 1), 1)).flat();
    },
  };
}
