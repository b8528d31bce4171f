/**
 * The merchants as the edge knows them: that of the environment's settings, and those of the merchants file as it is now. A merchant
 * that is taken out of the file is none from then on.
 */
import { defaultMerchant } from "../merchants/rules.ts";
import { EdgeFailure } from "./failures.ts";

export type EdgeMerchant = {
  readonly id: string;
  /** Events of the other mode are none of the merchant's. */
  readonly mode: "test" | "live";
  readonly webhookSecrets: readonly string[];
};

export type EdgeMerchants = {
  find(id: string): EdgeMerchant | undefined;
  all(): readonly EdgeMerchant[];
};

/** @param further those beside the default one, as they are configured now */
export function edgeMerchantsOf(
  own: Omit<EdgeMerchant, "id">,
  further: () => readonly EdgeMerchant[] = () => [],
): EdgeMerchants {
  const { mode, webhookSecrets } = own;
  const first: EdgeMerchant = { id: defaultMerchant, mode, webhookSecrets };
  return {
    find: (id) => (id === defaultMerchant ? first : further().find((merchant) => merchant.id === id)),
    all: () => [first, ...further().filter(({ id }) => id !== defaultMerchant)],
  };
}

/** For whom a caller may act: the merchant of the API key; null for the developer of this machine, who may name each that is in test mode. */
export type ActingFor = string | null;

/**
 * The merchant of a call.
 * @param asked the merchant that the body names
 * @throws EdgeFailure `forbidden` or `invalid_request`
 */
export function merchantOfCall(merchants: EdgeMerchants, actingFor: ActingFor, asked: string | undefined): string {
  if (actingFor !== null) {
    if (asked === undefined || asked === actingFor) return actingFor;
    throw new EdgeFailure(
      "forbidden",
      `The API key is of the merchant ${actingFor}, and the request names another one.`,
    );
  }
  const merchant = merchants.find(asked ?? defaultMerchant);
  if (merchant === undefined) {
    const message = `there is no merchant ${asked}`;
    const errors = [{ path: "/merchant", message }];
    throw new EdgeFailure("invalid_request", `The request is not valid:\n* (at /merchant) ${message}`, { errors });
  }
  // The sandbox takes keys of test mode only, so a key of live mode is of another Stripe.
  if (merchant.mode === "live") {
    throw new EdgeFailure("forbidden", `The merchant ${merchant.id} is in live mode: an API key is needed.`);
  }
  return merchant.id;
}

/** @throws EdgeFailure `forbidden` for the API key of a merchant that was removed, or that there never was */
export function refuseUnconfigured(merchants: EdgeMerchants, merchant: string): void {
  if (merchants.find(merchant) !== undefined) return;
  throw new EdgeFailure(
    "forbidden",
    `The merchant ${merchant} of the API key is not configured here, or no longer. Calls that were made before can still be read.`,
  );
}

/**
 * The request as the service gets it: it names the merchant, but for the default one, which needs no name. So a body that names the
 * key's own merchant is the same request as one that names none.
 */
export function withMerchant(
  merchant: string,
  request: { readonly value: unknown; readonly body: Uint8Array },
): { readonly value: unknown; readonly body: string | Uint8Array } {
  const asked = namedMerchant(request.value);
  if (asked === (merchant === defaultMerchant ? undefined : merchant)) return request;
  const { merchant: _asked, ...others } = (request.value ?? {}) as { readonly merchant?: string };
  const value = merchant === defaultMerchant ? others : { ...others, merchant };
  return { value, body: JSON.stringify(value) };
}

/** The merchant that a request names; undefined where it names none. */
export function namedMerchant(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("merchant" in value)) return undefined;
  return typeof value.merchant === "string" ? value.merchant : undefined;
}
