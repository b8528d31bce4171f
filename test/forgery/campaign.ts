/** Makes forgeries by the thousand, the same ones for the same seed, and keeps count of what became of them. */
import { randomInt } from "node:crypto";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { eventAbout } from "../scene/scene.ts";
import { forgeries, intBelow, oneOf } from "./forgeries.ts";
import { isGenuine, type SignedWebhook, signWebhook, type Webhook } from "./signedWebhook.ts";

export type Forgery = Webhook & { readonly kind: string };

/** Numbers from the command line of `npm run forgery`; without them, the share that CI affords. */
export const campaign = {
  seed: Number(process.env["FORGERY_SEED"] ?? randomInt(2 ** 31)),
  inProcess: Number(process.env["FORGERIES"] ?? 20_000),
  overHttp: Number(process.env["FORGERIES_OVER_HTTP"] ?? 500),
  atEdge: Number(process.env["FORGERIES_AT_EDGE"] ?? 2000),
  requestsAtEdge: Number(process.env["REQUESTS_AT_EDGE"] ?? 5000),
};

export function randomOf(seed: number): RandomGenerator {
  return xoroshiro128plus(seed);
}

const types = [
  "payment_intent.succeeded",
  "payment_intent.payment_failed",
  "charge.dispute.closed",
  "refund.updated",
  "customer.created",
] as const;

/**
 * Genuine webhooks about an object, with bodies of several lengths and of characters that take one to four bytes.
 * @param lastAtSeconds when the newest was signed, in Unix seconds; long ago unless it is given
 */
export function genuineWebhooks(
  object: object,
  secret: string,
  random: RandomGenerator,
  lastAtSeconds?: number,
): readonly SignedWebhook[] {
  return Array.from({ length: 64 }, (_, index) => {
    const description = oneOf(random, ["", "Invoice", "Zoë", "領収書", "🧾", "\ufffd", "\u2028"]).repeat(
      intBelow(random, 40),
    );
    const event = eventAbout(oneOf(random, types), { ...object, description });
    const atSeconds = lastAtSeconds === undefined ? 1_764_000_000 + index * 61 : lastAtSeconds - index;
    return signWebhook(Buffer.from(event), atSeconds, secret);
  });
}

/** Yields each kind in turn, until there are `count` of which is proven that they are forged. */
export function* forge(options: {
  readonly count: number;
  readonly random: RandomGenerator;
  readonly genuine: readonly SignedWebhook[];
  readonly secret: string;
  /** All that the receiver takes. */
  readonly secrets: readonly string[];
  readonly tally: Tally;
}): Generator<Forgery> {
  const { count, random, genuine, secret, secrets, tally } = options;
  const kinds = Object.entries(forgeries);
  for (let made = 0, turn = 0; made < count; turn++) {
    const [kind, make] = kinds[turn % kinds.length] as (typeof kinds)[number];
    const first = intBelow(random, genuine.length);
    const second = (first + 1 + intBelow(random, genuine.length - 1)) % genuine.length;
    const [seen, other] = [genuine[first] as SignedWebhook, genuine[second] as SignedWebhook];
    const webhook = make({ seen, other, secret, random });
    if (isGenuine(webhook, secrets)) {
      tally.count(kind, "genuine after all");
      continue;
    }
    made += 1;
    yield { kind, ...webhook };
  }
}

type Fate = "refused" | "accepted" | "refused by the engine" | "no header can hold it" | "genuine after all";

/** How many of each kind met which fate. */
export class Tally {
  readonly #counts = new Map<string, Map<Fate, number>>();

  count(kind: string, fate: Fate): void {
    const fates = this.#counts.get(kind) ?? new Map<Fate, number>();
    this.#counts.set(kind, fates.set(fate, (fates.get(fate) ?? 0) + 1));
  }

  total(fate: Fate): number {
    return this.#counts.values().reduce((sum, fates) => sum + (fates.get(fate) ?? 0), 0);
  }

  get kinds(): readonly string[] {
    return [...this.#counts.keys()];
  }

  print(title: string): void {
    const fates: readonly Fate[] = [
      "refused",
      "accepted",
      "refused by the engine",
      "no header can hold it",
      "genuine after all",
    ];
    const met = fates.filter((fate) => fate === "accepted" || this.total(fate) > 0);
    const row = (of: (fate: Fate) => number) => Object.fromEntries(met.map((fate) => [fate, of(fate)]));
    console.info(title);
    console.table({
      ...Object.fromEntries([...this.#counts].map(([kind, counts]) => [kind, row((fate) => counts.get(fate) ?? 0)])),
      "all together": row((fate) => this.total(fate)),
    });
  }
}
