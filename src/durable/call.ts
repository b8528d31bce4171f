/**
 * One invocation of a handler, and the only ways in which it looks at the world. A handler is replayed, perhaps by another
 * process with other settings, so whatever decides anything is recorded in the journal before it steers: an answer of Stripe's
 * (`ask`), and what settings, the clock or the memory of a process say (`fix`). A handler never sees the settings otherwise.
 * A secret of Stripe's that belongs into an answer is the one thing that is not recorded (`peek`), and it decides nothing.
 */
import type { Context } from "@restatedev/restate-sdk";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { HandlerOptions, Merchant } from "../merchants/options.ts";
import type { Account } from "../merchants/rules.ts";
import type { Maker } from "../stripe/metadata.ts";
import type { Acceptance } from "./acceptance.ts";

/** The settings, as far as a handler may be steered by them. What belongs to a merchant is the merchant's. */
type Settings = Omit<HandlerOptions, "stripe" | "mode" | "webhookSecrets" | "clientId" | "furtherMerchants">;

/** All that a decision outside the journal may be made of. */
export type Surroundings = {
  readonly settings: Settings;
  /** The merchant of the call's account, as it is configured now. */
  readonly merchant: Pick<Merchant, "mode" | "limits" | "clientId">;
  /** What it makes without asking Stripe. */
  readonly stripe: Pick<StripeGateway, "fixRequest" | "authorizeUrl">;
  /** Epoch milliseconds, by this process's clock. */
  readonly nowMs: number;
  /** When the call was accepted, in epoch milliseconds: as the edge says, or else now. A caller's deadline counts from it. */
  readonly acceptedAtMs: number;
};

/** What the first step of an accepted call is to do. */
export type Beginning<Kept, Answer> = {
  /** What is recorded beside the answer. */
  readonly kept: Kept;
  readonly deadlineAtMs: number;
  /** Null where nothing is to be sent. */
  readonly request: ((stripe: StripeGateway) => Promise<Answer>) | null;
};

/** When a postponed request has its turn, until when it may be sent, and since when an earlier attempt may have sent it. */
type Turn = { readonly laterMs: number; readonly untilMs: number; readonly sinceMs: number };

/** What came of the first step of an accepted call. */
export type Accepted<Kept, Answer> =
  | { readonly kind: "sent"; readonly kept: Kept; readonly answer: Answer }
  /** Nothing was to be sent. */
  | { readonly kind: "not_sent"; readonly kept: Kept }
  /** Nothing was sent yet by the attempt that recorded it: the request's turn has come only now. */
  | { readonly kind: "postponed"; readonly kept: Kept; readonly turn: Turn }
  /** `begin` could not decide yet. An earlier attempt, by another process, may have sent the request when the call was accepted, or later. */
  | { readonly kind: "undecided"; readonly sinceMs: number }
  /**
   * The edge's header is no good, by the secrets of this process. An earlier attempt, by another process, may have found it good, and
   * have sent the request since then.
   */
  | { readonly kind: "not_accepted"; readonly sinceMs: number };

/** A step that is done, but perhaps not recorded yet. */
type EarlyStep<Value> = {
  readonly value: Value;
  /** Resolves when the step is recorded: before that, nothing may be awaited, sent or handed on. An answer may be given. */
  recorded(): Promise<void>;
};

export type Call<Ctx extends Context = Context> = {
  readonly ctx: Ctx;
  readonly invocationId: string;
  /** Whose money the call is about: it acts on nothing else. */
  readonly account: Account;
  readonly acceptance: Acceptance;
  /** The answer that is given is that to a request of this fingerprint, or of none that is known: not the call's own. */
  answerFor(fingerprint: string | null): void;
  /** The fingerprint of the request that the call's answer is given to; null where the edge said none. */
  answeredFingerprint(): string | null;
  /**
   * Sends one named request to Stripe and records the answer, so that a replay does not send it again. An outage is thrown to
   * the engine, which repeats the step. A rejected API key pauses the invocation: a terminal answer would be kept under the
   * caller's key, and retrying cannot help.
   * @throws CallStopped when Stripe gives no answer until the deadline
   */
  ask<Answer>(step: string, request: (stripe: StripeGateway) => Promise<Answer>): Promise<Answer>;
  /**
   * The same for a request that moves money or makes something: it is not sent after the deadline, nor again once the call is
   * cancelled. What an earlier attempt did is not known then.
   * @throws CallStopped
   */
  send<Answer>(step: string, request: (stripe: StripeGateway) => Promise<Answer>): Promise<Answer>;
  /**
   * The first step of a call that the edge accepted, in place of a step that fixes the request and one that sends it: what it
   * decides by is the journaled time of acceptance and what `begin` records. It gives its answer while the record is on its way
   * to the engine, so that a final answer is committed together with it.
   * @param begin gives null where it can't decide yet
   * @throws CallStopped
   */
  sendAccepted<Kept, Answer>(
    step: string,
    begin: (surroundings: Surroundings) => Beginning<Kept, Answer> | null,
  ): Promise<EarlyStep<Accepted<Kept, Answer>>>;
  /**
   * Asks Stripe for something that must not stay in the journal: the address of a customer's page, which holds a client
   * secret. A replay asks again, and may be told something else, so what comes of it goes into the answer and nowhere else: no
   * step comes after it. An outage is thrown to the engine, and so is a rejected key, because only a step can pause.
   * @throws CallStopped when Stripe gives no answer until the deadline
   */
  peek<Answer>(request: (stripe: StripeGateway) => Promise<Answer>): Promise<Answer>;
  /**
   * The same call for a look-up that a cancellation ends, because somebody else goes on looking: its `ask` and `pause` throw CallStopped
   * once the call is cancelled, as `send` does.
   */
  untilCancelled(): Call<Ctx>;
  /** Does a part of the call that nobody waits for, a poll for one: other requests go before those that it sends. */
  unhurried<Result>(part: () => Promise<Result>): Promise<Result>;
  /** Records what the surroundings say. */
  fix<Fixed>(step: string, decide: (surroundings: Surroundings) => Fixed): Promise<Fixed>;
  /** The deadline of what follows, in epoch milliseconds; Infinity for none. @returns the one before */
  setDeadline(deadlineAtMs: number): number;
  /** Sleeps, but not past the deadline. @throws CallStopped at the deadline */
  pause(delayMs: number, name: string): Promise<void>;
  /** Notes the ids of what the call is about, for a failure that may come at any step. A replay notes the same. */
  concern(ids: Readonly<Record<string, string>>): void;
  /** When the last step was done, in epoch milliseconds, as the process that did it saw it. A replay sees the same. */
  lastStepAtMs(): number;
  /** Whether the merchant was to be told of payments when the last step was done. */
  isMerchantTold(): boolean;
  /** Whether a cancellation came while a request was sent whose answer came all the same. It is told once. */
  takeCancellation(): boolean;
  /**
   * The identity of the installation: as the process of the first step remembered it, or as the engine says. To be asked after the
   * first step, which records it: then only the first payment of a process pays for it.
   */
  installationId(): Promise<string>;
  /** The same if it is known to this call already. */
  knownInstallationId(): string | null;
  /** Counts a request that needs an idempotency key, and gives the key of it; see `nextIdempotencyKey`. */
  countRequest(): (installationId: string) => string;
  /** A fresh idempotency key for Stripe: the same in every replay, and of no other call, also of no other installation. */
  nextIdempotencyKey(): Promise<string>;
};

/** The call has come to its deadline, or was cancelled, before Stripe gave an answer. */
export class CallStopped extends Error {
  override readonly name = "CallStopped";
  readonly because: "deadline" | "cancellation";
  /** When the request was fixed that it was stopped in, in epoch milliseconds, where the step itself fixed it. */
  readonly fixedAtMs: number | null;
  constructor(because: "deadline" | "cancellation", fixedAtMs: number | null = null) {
    super(`The call was stopped (${because}).`);
    this.because = because;
    this.fixedAtMs = fixedAtMs;
  }
}

/** Gives what a part of a call comes to, or what `stopped` does where the call is stopped in it. */
export async function unlessStopped<Result>(
  part: Promise<Result>,
  stopped: (because: CallStopped["because"], fixedAtMs: number | null) => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await part;
  } catch (error) {
    if (!(error instanceof CallStopped)) throw error;
    return await stopped(error.because, error.fixedAtMs);
  }
}

/** The call as the maker of objects. */
export async function makerOf(call: Call): Promise<Maker> {
  const { invocationId, account } = call;
  return { invocationId, installationId: await call.installationId(), merchant: account.merchant };
}
