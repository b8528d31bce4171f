/** The merchants of MERCHANTS_FILE, as the handlers see them. A change of the file counts within seconds, without a restart. */
import { paceFor } from "../../config/config.ts";
import { createStripeGateway, type StripeGateway } from "../gateway.ts";
import type { FurtherMerchants, Merchant } from "../options.ts";
import { readEntries, type MerchantEntry } from "./entries.ts";
import { watchMerchants, type MerchantsFileOptions } from "./watchMerchants.ts";

export type MerchantsOptions = MerchantsFileOptions & {
  /** One for all. */
  readonly apiBase: string | undefined;
  /** Is told, in a sentence that names the merchant, when Stripe refuses requests for their number. */
  readonly onSlowed?: (words: string) => void;
};

/** The edge reads the same file every second. A call that it lets in meanwhile would be paused without its merchant. */
const leavingMs = 3_000;
const lookEveryMs = 500;

/** @throws ConfigError listing every problem of the file */
export function openMerchants(options: MerchantsOptions): FurtherMerchants & { close(): void } {
  const watched = watchMerchants(options, readEntries);
  const gatewayOf = gatewayKeeper(options);
  let known = knownMerchants(watched.current());

  function knownMerchants(entries: readonly MerchantEntry[]) {
    const all = entries.map((entry): Merchant => {
      const { secretKey: _key, requestsPerSecond: _pace, ...merchant } = entry;
      return { ...merchant, stripe: gatewayOf(entry) };
    });
    gatewayOf.forgetAllBut(entries);
    return { entries, all, byId: new Map(all.map((merchant) => [merchant.id, merchant])) };
  }

  const leaving = new Map<string, { readonly merchant: Merchant; readonly untilMs: number }>();

  function now() {
    const entries = watched.current();
    if (entries === known.entries) return known;
    const { all } = known;
    known = knownMerchants(entries);
    const untilMs = performance.now() + leavingMs;
    for (const merchant of all) leaving.set(merchant.id, { merchant, untilMs });
    return known;
  }

  /** Counts the time of those that leave from when they left, whether anybody looks for one or not. */
  function look(): void {
    now();
    for (const [id, { untilMs }] of leaving) if (untilMs <= performance.now()) leaving.delete(id);
  }
  const timer = setInterval(look, lookEveryMs).unref();

  return {
    find: (id) => now().byId.get(id) ?? leaving.get(id)?.merchant,
    all: () => now().all,
    close() {
      clearInterval(timer);
      watched.close();
    },
  };
}

/** A merchant keeps the gateway, and with it the pacer, for as long as neither key nor pace change. */
function gatewayKeeper({ apiBase, onSlowed }: Pick<MerchantsOptions, "apiBase" | "onSlowed">) {
  const kept = new Map<string, { readonly target: string; readonly gateway: StripeGateway }>();

  function gatewayOf({ id, secretKey, mode, requestsPerSecond }: MerchantEntry): StripeGateway {
    const pace = paceFor(requestsPerSecond, apiBase, mode);
    const target = JSON.stringify([secretKey, pace]);
    const before = kept.get(id);
    if (before?.target === target) return before.gateway;
    const gateway = createStripeGateway(
      { secretKey, apiBase, pace, sharedBy: id },
      { onSlowed: (words) => onSlowed?.(`Merchant ${id}: ${words}`) },
    );
    kept.set(id, { target, gateway });
    return gateway;
  }

  return Object.assign(gatewayOf, {
    forgetAllBut(entries: readonly MerchantEntry[]): void {
      const ids = new Set(entries.map(({ id }) => id));
      for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
    },
  });
}
