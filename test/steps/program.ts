/** Which deaths there are, and which of them are died in CI. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { offeredServices } from "../../src/app/services.ts";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { deathsOf, die, record, type Death, type Recording, type Wrong } from "./campaign.ts";
import { usual, type Scenario } from "./scenario.ts";
import type { Theatre } from "./theatre.ts";

/** Plays every scenario without a death. */
export async function recordAll(theatre: Theatre, scenarios: readonly Scenario[]): Promise<readonly Recording[]> {
  const recordings: Recording[] = [];
  for (const group of byProfile(scenarios, (scenario) => scenario)) {
    await theatre.setUp(group[0]?.profile ?? usual);
    recordings.push(...(await Promise.all(group.map((scenario) => record(theatre, scenario)))));
  }
  return recordings;
}

export async function dieAll(
  theatre: Theatre,
  deaths: readonly Death[],
  onProgress: (died: number, wrong: readonly Wrong[]) => void = () => {},
): Promise<readonly Wrong[]> {
  const wrong: Wrong[] = [];
  let died = 0;
  for (const group of byProfile(deaths, ({ scenario }) => scenario)) {
    await theatre.setUp(group[0]?.scenario.profile ?? usual);
    wrong.push(...(await die(theatre, group, (done, found) => onProgress(died + done, found))));
    died += group.length;
  }
  return wrong;
}

/**
 * A part of all deaths: every other step of every handler that has a name of its own, once, in a scenario and on a side that the
 * seed chooses, as it chooses which half.
 */
export function sampleOf(recordings: readonly Recording[], seed: number): readonly Death[] {
  const dice = xoroshiro128plus(seed);
  const alike = Map.groupBy(recordings.flatMap(deathsOf), kindOf);
  let side: Death["side"] = uniformInt(dice, 0, 1) === 0 ? "before" : "after";
  const half = uniformInt(dice, 0, 1);
  return [...alike.values()].flatMap((deaths, index) => {
    if (index % 2 !== half) return [];
    side = side === "before" ? "after" : "before";
    const candidates = deaths.filter((death) => death.side === side);
    return candidates.slice(uniformInt(dice, 0, candidates.length - 1)).slice(0, 1);
  });
}

/**
 * All deaths but those that another one stands for: what nobody called directly and went exactly the same way from its first
 * step to its last in another scenario. Most scenarios end with the same look and the same delivery.
 */
export function distinctOf(recordings: readonly Recording[]): readonly Death[] {
  const known = new Set<string>();
  return recordings.flatMap((recording) => {
    const ways = Map.groupBy(recording.steps, ({ role }) => role);
    const repeated = new Set<string>();
    for (const [role, steps] of ways) {
      const way = [role.split("#")[0], ...steps.map(({ what }) => what)].join("\n");
      if (isPublic(role)) continue;
      if (known.has(way)) repeated.add(role);
      known.add(way);
    }
    return deathsOf(recording).filter(({ step }) => !repeated.has(step.role));
  });
}

/** The same step of a call that the edge accepted is another one: more has come, or less, before it. */
function kindOf({ scenario, step }: Death): string {
  return `${scenario.edge === "time" && isPublic(step.target)} ${step.target} ${step.what}`;
}

/** Whether callers call it. */
function isPublic(target: string): boolean {
  return /^(?:payments|accounts)\//.test(target) && !target.startsWith("payments/processWebhook");
}

function byProfile<Item>(items: readonly Item[], scenarioOf: (item: Item) => Scenario): readonly (readonly Item[])[] {
  return [...Map.groupBy(items, (item) => scenarioOf(item).profile?.name ?? usual.name).values()];
}

/** Every handler that a deployment offers, as `service/handler`. */
export function offeredHandlers(): readonly string[] {
  return offeredServices.flatMap(({ name, handlers }) => handlers.map((handler) => `${name}/${handler}`));
}

/** Every method of the gateway that asks something of Stripe. */
export function gatewayMethods(): readonly string[] {
  const gateway = createStripeGateway({ secretKey: "sk_test_none", apiBase: undefined });
  // The first only fixes what another one will send, the second gives the same methods for another account, and the third the address
  // of a page.
  return Object.keys(gateway).filter((name) => !["fixRequest", "onBehalf", "authorizeUrl"].includes(name));
}

const source = join(import.meta.dirname, "../../src");

/** What is no handler: programs, tools, the edge, the sandbox, and the client of Stripe. */
const withoutHandlers = /^(sandbox|dev|bin|edge|operator|config|telemetry|stripe)\//;

/** These give each request its step, and take the name from their callers. */
const namedByCallers: readonly string[] = ["durable/openCall.ts", "durable/createOnce.ts", "durable/createFirst.ts"];

/** Every name that a step is given in the handlers' source; null for one that is not written down there. */
export function namedSteps(): readonly (string | null)[] {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts") && !withoutHandlers.test(file))
    .flatMap((file) => {
      const code = readFileSync(join(source, file), "utf8");
      const calls = code.matchAll(/(?:\.(?:ask|send|fix|run)\s*\(|^\s*step:(?! string))\s*(?:"([^"]+)")?/gm);
      return namedByCallers.includes(file) ? [] : [...calls].map(([, name]) => name ?? null);
    });
}
