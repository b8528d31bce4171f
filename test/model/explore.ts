/**
 * Which worlds can follow. Things that happen at once happen in some order, and whoever was woken looks at some moment
 * between them: every order is tried, and what each leads to is a legal outcome. Nothing else is.
 */
import { apply, type Move } from "./actions.ts";
import type { Cause } from "./answers.ts";
import { look } from "./calls.ts";
import type { Party, World } from "./world.ts";

type State = { readonly world: World; readonly left: readonly Move[] };

/** More means that the model is too loose to say anything. */
const maximumStates = 20_000;

/** Every world in which all moves are done and whoever must look has looked. */
export function outcomes(worlds: readonly World[], moves: readonly Move[]): readonly World[] {
  const seen = new Set<string>();
  const found: World[] = [];
  const open: State[] = [];
  const reach = (state: State) => {
    const key = JSON.stringify([state.left.map(({ id }) => id), state.world]);
    if (seen.has(key)) return;
    if (seen.size >= maximumStates)
      throw new Error(`More than ${maximumStates} states can follow: the model is too loose.`);
    seen.add(key);
    open.push(state);
    if (state.left.length === 0 && isAtRest(state.world)) found.push(state.world);
  };
  for (const world of worlds) reach({ world, left: moves });
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const { world, left } = state;
    for (const move of left) {
      reach({ world: changed(world, (next) => apply(next, move)), left: left.filter((other) => other !== move) });
    }
    for (const { id } of world.parties) {
      for (const cause of causes(world, id)) {
        reach({ world: changed(world, (next) => wake(next, id, cause)), left });
      }
    }
  }
  return found;
}

function isAtRest(world: World): boolean {
  return world.parties.every(({ stir, isDue, isCancelled }) => stir !== "must" && !isDue && !isCancelled);
}

/** What can make a party look now. */
function causes(world: World, id: string): readonly Cause[] {
  const party = find(world, id);
  if (party === undefined) return [];
  const { waiting, stir, isHurried, isCancelled, role } = party;
  // The others' attempt has to end, or the call: nothing else moves it.
  if (waiting.for === "turn")
    return [...(stir === "none" ? [] : ["news" as const]), ...(isCancelled ? ["cancellation" as const] : [])];
  const isWatchWithoutEnd = role.does === "watch" && role.mode !== "customer";
  return [
    ...(stir !== "none" || world.polls ? ["news" as const] : []),
    ...(isHurried && !isWatchWithoutEnd ? ["deadline" as const] : []),
    ...(isCancelled ? ["cancellation" as const] : []),
  ];
}

function wake(world: World, id: string, cause: Cause): void {
  const party = find(world, id);
  if (party === undefined) return;
  if (cause === "news") party.stir = "none";
  if (cause === "deadline") party.isHurried = party.isDue = false;
  if (cause === "cancellation") party.isCancelled = false;
  look(world, party, cause);
}

function find(world: World, id: string): Party | undefined {
  return world.parties.find((party) => party.id === id);
}

function changed(world: World, change: (next: World) => void): World {
  const next = structuredClone(world);
  change(next);
  return next;
}
