/** What the checker reads once everything is quiet, as plain data: whoever checks needs no process and no clock. */
import type { Call } from "./clientLog.ts";
import type { Attempt } from "./intruder.ts";

/** A PaymentIntent as it ended. `payment` is the name its metadata carries; null for one that is none of the callers'. */
export type PaymentRecord = {
  readonly id: string;
  readonly payment: string | null;
  readonly invocationId: string | null;
  readonly status: string;
  readonly amount: number;
  readonly amountReceived: number;
  readonly metadata: Readonly<Record<string, string>>;
};

export type ChargeRecord = {
  readonly id: string;
  readonly paymentIntentId: string | null;
  readonly status: string;
  readonly amount: number;
  /** What was taken of it; 0 while it is only authorized. */
  readonly amountCaptured: number;
};

export type RefundRecord = {
  readonly id: string;
  readonly paymentIntentId: string | null;
  readonly status: string;
  readonly amount: number;
  readonly invocationId: string | null;
};

/** One entry of Stripe's append-only record: what happened to a charge or a refund, and how it stood then. */
export type MoneyEvent = { readonly type: string } & (
  | { readonly kind: "charge"; readonly charge: ChargeRecord }
  | { readonly kind: "refund"; readonly refund: RefundRecord }
);

export type StripeRecord = {
  readonly payments: readonly PaymentRecord[];
  readonly charges: readonly ChargeRecord[];
  readonly refunds: readonly RefundRecord[];
  readonly events: readonly MoneyEvent[];
  /** Requests that Stripe failed, saving the failure under their key, with the work done or not. */
  readonly savedFailures: readonly { readonly path: string; readonly wasDone: boolean }[];
};

/** A call as the engine has it. */
export type InvocationRecord = {
  readonly id: string;
  readonly service: string;
  readonly handler: string;
  readonly idempotencyKey: string | null;
  readonly status: string;
  readonly lastFailure: string | null;
};

/** A PaymentIntent that another integration of the merchant made: as it was then. */
export type Bystander = {
  readonly id: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
};

export type RunRecord = {
  readonly calls: readonly Call[];
  readonly stripe: StripeRecord;
  /** All but those of `processWebhook`, which are kept for a minute. */
  readonly invocations: readonly InvocationRecord[];
  /** Calls of `processWebhook` that have not ended. */
  readonly openWebhooks: number;
  readonly bystanders: readonly Bystander[];
  readonly attempts: readonly Attempt[];
};

/** A place that was searched for secrets. */
export type SearchedPlace = {
  readonly place: string;
  readonly bytes: number;
  /** How often the text that is no secret was seen: a search that sees nothing proves nothing. Null where it needn't be. */
  readonly markers: number | null;
  /** The names of the secrets that were found there, with what stands around each. */
  readonly found: readonly { readonly secret: string; readonly around: string }[];
};
