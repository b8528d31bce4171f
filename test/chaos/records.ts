/** What the checker reads once everything is quiet, as plain data: whoever checks needs no process and no clock. */
import type { Account } from "../../src/merchants/rules.ts";
import type { Call } from "./clientLog.ts";
import type { Attempt } from "./intruder.ts";

/** Where an object is at Stripe, and the merchant whose call made it, by its metadata: `default` where they name none. */
export type Place = { readonly stripeAccount: string; readonly merchant: string };

/** A merchant, as far as the checker has to tell accounts apart. */
export type MerchantRecord = {
  readonly id: string;
  /** The id of the merchant's own Stripe account, which another merchant may have as well. */
  readonly ownAccount: string;
  /** The connected accounts of that platform. */
  readonly connected: readonly string[];
  /** Whether a system of the merchant's own is told what becomes of payments. */
  readonly isTold: boolean;
};

/** A PaymentIntent as it ended. `payment` is the name its metadata carries; null for one that is none of the callers'. */
export type PaymentRecord = {
  readonly id: string;
  readonly place: Place;
  readonly payment: string | null;
  readonly invocationId: string | null;
  readonly status: string;
  readonly amount: number;
  readonly amountReceived: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** When the request came to Stripe that made it, in epoch milliseconds; null where the record of requests doesn't tell. */
  readonly madeAtMs: number | null;
};

export type ChargeRecord = {
  readonly id: string;
  readonly stripeAccount: string;
  readonly paymentIntentId: string | null;
  readonly status: string;
  readonly amount: number;
  /** What was taken of it; 0 while it is only authorized. */
  readonly amountCaptured: number;
};

export type RefundRecord = {
  readonly id: string;
  readonly place: Place;
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
  /** The call that called it; null for one that came from outside. */
  readonly invokedBy: string | null;
  readonly acceptedAtMs: number;
  readonly endedAtMs: number | null;
};

/** What the engine keeps, or will do, for an object: by the object's service and key. */
export type Kept = { readonly service: string; readonly key: string };
export type Timer = Kept & {
  readonly handler: string;
  /** The idempotency key under which the engine has at most one, where several of a handler are meant to be. */
  readonly timer?: string | null;
};

/** A time in which a process did not run, or Stripe did not answer. */
export type Trouble = { readonly fromMs: number; readonly toMs: number };

/** How the run went, as far as it excuses lateness. */
type Course = {
  /** How long after its end a call may still send what it was about to send. */
  readonly sendingMs: number;
  /** How soon after its deadline or its cancellation a call is answered, whether Stripe is down or not. */
  readonly answeringMs: number;
  /** How much later while Stripe answers, and some of its answers fail. */
  readonly faultyMs: number;
  /** When the engine, Stripe or a replica was dead or stood still. */
  readonly blows: readonly Trouble[];
  /** When Stripe was reachable and did nothing. */
  readonly outages: readonly Trouble[];
};

/** What the merchant's own system was told. */
export type Told = { readonly paymentIntentId: string; readonly type: string };

/** The same, where several merchants have systems: which one was told, and of whose payment, by what it was told. */
export type ToldRecord = Told & { readonly receiver: string; readonly account: Account };

/** What is left when the retention of references, short at the end of a run, has passed. */
type Leftovers = {
  /** When the retention became short. */
  readonly sinceMs: number;
  readonly states: readonly Kept[];
  readonly timers: readonly Timer[];
  /** What was scheduled right after the last calls, before any of it was due. */
  readonly timersBefore: readonly Timer[];
};

/** A PaymentIntent that another integration of the merchant made: as it was then. */
export type Bystander = {
  readonly id: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/** A doorbell that was rung, by the call that waits and the number of its wait. Who rang, the engine doesn't tell. */
export type Ring = { readonly invocationId: string; readonly index: number; readonly atMs: number };

/** A webhook that rings somebody, as it was handed over to one of those who take webhooks, signed for a merchant. */
export type Handed = {
  readonly merchant: string;
  /** The merchant whose call made what the event is about; null for none. */
  readonly maker: string | null;
  readonly doorbells: readonly string[];
  readonly atMs: number;
};

/** Who was woken, and everything that may have woken them. */
export type RingRecord = {
  readonly rings: readonly Ring[];
  readonly handed: readonly Handed[];
  /** When the events of a Stripe account were listed, to make up for webhooks that never came. */
  readonly lists: readonly { readonly stripeAccount: string; readonly atMs: number }[];
  /** The calls that another call woke. */
  readonly signalled: readonly string[];
};

export type RunRecord = {
  readonly rings: RingRecord;
  readonly merchants: readonly MerchantRecord[];
  readonly told: readonly ToldRecord[];
  readonly calls: readonly Call[];
  readonly stripe: StripeRecord;
  /** All but those of `processWebhook`, which are kept for a minute. */
  readonly invocations: readonly InvocationRecord[];
  /** Calls of `processWebhook` that have not ended. */
  readonly openWebhooks: number;
  readonly bystanders: readonly Bystander[];
  readonly attempts: readonly Attempt[];
  readonly course: Course;
  readonly leftovers: Leftovers;
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
