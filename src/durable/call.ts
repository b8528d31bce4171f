/**
 * One invocation of a handler, and the only ways in which it looks at the world. A handler is replayed, perhaps by another
 * process with other settings, so whatever decides anything is recorded in the journal before it steers: an answer of Stripe's
 * (`ask`), and what settings, the clock or the memory of a process say (`fix`). A handler never sees the settings otherwise.
 * A secret of Stripe's that belongs into an answer is the one thing that is not recorded (`peek`), and it decides nothing.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { PauseError, RestatePromise, RetryableError, type Context } from "@restatedev/restate-sdk";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import type { Maker } from "../stripe/metadata.ts";
import { StripeAccessError, StripeOutage } from "../stripe/request.ts";
import { noAcceptance, type Acceptance } from "./acceptance.ts";
import { cancellationOf } from "./cancellation.ts";
import { askForInstallation } from "./installation.ts";
import { retryAfterMs } from "./policies.ts";

/** The settings, as far as a handler may be steered by them. */
type Settings = Omit<HandlerOptions, "stripe">;

/** All that a decision outside the journal may be made of. */
export type Surroundings = {
  readonly settings: Settings;
  readonly stripe: Pick<StripeGateway, "fixRequest">;
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

/** A step that is done, but perhaps not recorded yet. */
export type EarlyStep<Value> = {
  readonly value: Value;
  /** Resolves when the step is recorded: before that, nothing may be awaited, sent or handed on. An answer may be given. */
  recorded(): Promise<void>;
};

export type Call<Ctx extends Context = Context> = {
  readonly ctx: Ctx;
  readonly invocationId: string;
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
   * @returns a null value where the edge's header is no good, or `begin` gave null: then nothing was sent
   * @throws CallStopped
   */
  sendAccepted<Kept, Answer>(
    step: string,
    begin: (surroundings: Surroundings) => Beginning<Kept, Answer> | null,
  ): Promise<EarlyStep<{ readonly kept: Kept; readonly answer: Answer | null } | null>>;
  /**
   * Asks Stripe for something that must not stay in the journal: the address of a customer's page, which holds a client
   * secret. A replay asks again, and may be told something else, so what comes of it goes into the answer and nowhere else: no
   * step comes after it. An outage is thrown to the engine, and so is a rejected key, because only a step can pause.
   * @throws CallStopped when Stripe gives no answer until the deadline
   */
  peek<Answer>(request: (stripe: StripeGateway) => Promise<Answer>): Promise<Answer>;
  /** Records what the surroundings say. */
  fix<Fixed>(step: string, decide: (surroundings: Surroundings) => Fixed): Promise<Fixed>;
  /** The deadline of what follows, in epoch milliseconds; Infinity for none. @returns the one before */
  setDeadline(deadlineAtMs: number): number;
  /** Sleeps, but not past the deadline. @throws CallStopped at the deadline */
  pause(delayMs: number, name: string): Promise<void>;
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

type Because = CallStopped["because"];

/** What a step leaves in the journal: what it came to, or why it came to nothing. */
type Recorded<Value> = {
  readonly atMs: number;
  readonly told: boolean;
  /** Of the first step only. */
  readonly installationId?: string | null;
} & (
  | { readonly value: Value; readonly stopped?: undefined }
  | { readonly stopped: Because; readonly fixedAtMs?: number | null }
);

/** How long an answer is waited for that may be under way: after the deadline, or after the last attempt began. */
const graceMs = 2000;

/** @param acceptance what the edge says of the call */
export function openCall<Ctx extends Context>(
  ctx: Ctx,
  options: HandlerOptions,
  acceptance: Acceptance = noAcceptance,
): Call<Ctx> {
  const { stripe, ...settings } = options;
  const invocationId = ctx.request().id;
  let last = { atMs: 0, told: false };
  let deadlineAtMs = Infinity;
  let isCancelled = false;
  let isFirst = true;
  let installationId: string | null = null;
  let requests = 0;
  let answered: string | null | undefined;

  async function recorded<Value>(produce: () => Promise<Value | Stop>): Promise<Recorded<Value>> {
    const value = await produce();
    const common = {
      atMs: clock(),
      told: settings.notifications.receiver !== null,
      ...(isFirst && { installationId: settings.installation.known() }),
    };
    if (!(value instanceof Stop)) return { ...common, value };
    return { ...common, stopped: value.because, ...(value.fixedAtMs !== null && { fixedAtMs: value.fixedAtMs }) };
  }

  function taken<Value>(record: Recorded<Value>): Value {
    if (isFirst) installationId = record.installationId ?? null;
    isFirst = false;
    last = record;
    if (record.stopped !== undefined) throw new CallStopped(record.stopped, record.fixedAtMs);
    return record.value;
  }

  function surroundings(): Surroundings {
    const nowMs = clock();
    return { settings, stripe, nowMs, acceptedAtMs: acceptance.acceptedAtMs(nowMs) ?? nowMs };
  }

  /** One attempt at a request. */
  async function attempt<Answer>(
    step: string,
    request: (stripe: StripeGateway) => Promise<Answer>,
    from: { readonly begunAtMs: number; readonly untilMs: number },
  ): Promise<Answer | Stop> {
    try {
      // Also where the service was dead until the deadline, an attempt is given the time that an answer takes.
      const patienceMs = Math.max(graceMs, from.untilMs + graceMs - clock());
      const answer = request(stripe);
      return isNear(from.untilMs) ? await inTime(answer, patienceMs) : await answer;
    } catch (error) {
      if (error instanceof StripeAccessError) {
        const remedy = `${remedies[error.problem]}, then: npx restate inv resume ${invocationId}`;
        ctx.console.error(`${error.message} The invocation is paused at "${step}"; nothing is lost. ${remedy}`);
        throw new PauseError(`${error.message} ${remedy}`);
      }
      if (!(error instanceof StripeOutage) || !isNear(from.untilMs)) throw error;
      const nowMs = clock();
      if (nowMs >= from.untilMs) return new Stop("deadline");
      const retryAfter = retryAfterMs({ ...from, nowMs });
      ctx.console.warn(`At "${step}": ${error.message} It is tried again in ${Math.round(retryAfter)} ms.`);
      throw RetryableError.from(error, { retryAfter });
    }
  }

  async function knowInstallation(): Promise<string> {
    if (installationId === null) {
      installationId = await askForInstallation(ctx);
      settings.installation.learn(installationId);
    }
    return installationId;
  }

  function countRequest(): (installation: string) => string {
    const request = requests++;
    return (installation) =>
      createHash("sha256").update(`${installation}:${invocationId}:${request}`).digest("base64url");
  }

  return {
    ctx,
    invocationId,
    acceptance,
    answerFor(fingerprint) {
      answered = fingerprint;
    },
    answeredFingerprint: () => (answered === undefined ? (acceptance.verified()?.fingerprint ?? null) : answered),
    async ask(step, request) {
      const from = { begunAtMs: last.atMs, untilMs: deadlineAtMs };
      return taken(await ctx.run(step, () => recorded(() => attempt(step, request, from))));
    },
    async send(step, request) {
      const from = { begunAtMs: last.atMs, untilMs: deadlineAtMs };
      let mayBegin = true;
      const run = ctx.run(step, () =>
        recorded(async () => {
          if (!mayBegin) return new Stop("cancellation");
          return clock() >= from.untilMs ? new Stop("deadline") : await attempt(step, request, from);
        }),
      );
      const first = await RestatePromise.race([run.map(() => "sent" as const), cancellationOf(ctx)]);
      if (first === "sent") return taken(await run);
      // An answer that is recorded already, or under way in this process, counts. Another attempt is not begun.
      mayBegin = false;
      const answer = taken(await run);
      isCancelled = true;
      return answer;
    },
    async sendAccepted<Kept, Answer>(
      step: string,
      begin: (surroundings: Surroundings) => Beginning<Kept, Answer> | null,
    ) {
      type Value = { readonly kept: Kept; readonly answer: Answer | null } | null;
      let mayBegin = true;
      const { promise: produced, resolve: produce } = Promise.withResolvers<Recorded<Value>>();
      const run = ctx.run(step, async () => {
        const record = await recorded<Value>(async () => {
          const acceptedAtMs = acceptance.acceptedAtMs(clock());
          if (!mayBegin) return new Stop("cancellation", acceptedAtMs ?? clock());
          const beginning = acceptedAtMs === null ? null : begin(surroundings());
          if (acceptedAtMs === null || beginning === null) return null;
          const { kept, deadlineAtMs: untilMs, request } = beginning;
          if (request === null) return { kept, answer: null };
          if (clock() >= untilMs) return new Stop("deadline", acceptedAtMs);
          const answer = await attempt(step, request, { begunAtMs: acceptedAtMs, untilMs });
          return answer instanceof Stop ? new Stop(answer.because, acceptedAtMs) : { kept, answer };
        });
        produce(record);
        return record;
      });
      const first = RestatePromise.race([run.map(() => "sent" as const), cancellationOf(ctx)]);
      const settled = first.then(async (which) => {
        // As in `send`: an answer that is recorded already, or under way in this process, counts.
        mayBegin = false;
        const record = await run;
        if (which === "cancellation" && record.stopped === undefined) isCancelled = true;
        return record;
      });
      settled.catch(() => {});
      // A local promise, so that the answer doesn't wait for the engine to confirm the step.
      const record = await Promise.race([produced, settled]);
      if (record.stopped !== undefined) await settled;
      return { value: taken(record), recorded: async () => void (await settled) };
    },
    fix: async (step, decide) =>
      taken(await ctx.run(step, () => recorded(async () => decide(surroundings())))),
    setDeadline(atMs) {
      const before = deadlineAtMs;
      deadlineAtMs = atMs;
      return before;
    },
    async pause(delayMs, name) {
      const leftMs = Math.max(0, deadlineAtMs - last.atMs);
      await ctx.sleep(Math.min(delayMs, leftMs), name);
      if (leftMs <= delayMs) throw new CallStopped("deadline");
    },
    async peek(request) {
      try {
        const answer = request(stripe);
        return await (isNear(deadlineAtMs) ? inTime(answer, deadlineAtMs + graceMs - clock()) : answer);
      } catch (error) {
        if (error instanceof StripeOutage && clock() >= deadlineAtMs) throw new CallStopped("deadline");
        throw error;
      }
    },
    lastStepAtMs: () => last.atMs,
    isMerchantTold: () => last.told,
    takeCancellation() {
      const taking = isCancelled;
      isCancelled = false;
      return taking;
    },
    installationId: knowInstallation,
    knownInstallationId: () => installationId,
    countRequest,
    nextIdempotencyKey: async () => countRequest()(await knowInstallation()),
  };
}

/** Whether a deadline comes before the engine would try again by its own policy. */
function isNear(deadlineAtMs: number): boolean {
  return deadlineAtMs - clock() < 2 * 60_000;
}

/** Stands for an answer that did not come. */
class Stop {
  readonly because: Because;
  readonly fixedAtMs: number | null;
  constructor(because: Because, fixedAtMs: number | null = null) {
    this.because = because;
    this.fixedAtMs = fixedAtMs;
  }
}

/** @throws StripeOutage when there is no answer by then; what is under way is left to itself */
async function inTime<Answer>(answer: Promise<Answer>, patienceMs: number): Promise<Answer> {
  const patience = new AbortController();
  const over = delay(Math.max(0, patienceMs), undefined, { signal: patience.signal, ref: false }).then(() => {
    throw new StripeOutage("Stripe did not answer before the deadline.");
  });
  try {
    return await Promise.race([answer, over]);
  } finally {
    patience.abort();
    over.catch(() => {});
    answer.catch(() => {});
  }
}

/** The clock of this process, for what is recorded at once. */
function clock(): number {
  // oxlint-disable-next-line no-restricted-globals -- Every caller is inside the closure of a step, or at the end of the call.
  return Date.now();
}

/** A key's permissions can be changed at Stripe while it is in use. */
const remedies = {
  rejected: "Fix STRIPE_SECRET_KEY, restart the service",
  forbidden: "Give the key that permission in Stripe's dashboard",
} as const;

/** The call as the maker of objects. */
export async function makerOf(call: Call): Promise<Maker> {
  return { invocationId: call.invocationId, installationId: await call.installationId() };
}
