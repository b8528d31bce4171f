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
import { StripeAccessError, StripeBusy, StripeOutage } from "../stripe/request.ts";
import { onTerms, WithdrawnRequest } from "../stripe/terms.ts";
import { cancellationOf } from "./cancellation.ts";
import { askForInstallation } from "./installation.ts";
import { retryAfterMs } from "./policies.ts";
import { Later, termsOf, untilTurn, type Circumstances, type Postponed } from "./turn.ts";

/** The settings, as far as a handler may be steered by them. */
type Settings = Omit<HandlerOptions, "stripe">;

/** All that a decision outside the journal may be made of. */
export type Surroundings = {
  readonly settings: Settings;
  readonly stripe: Pick<StripeGateway, "fixRequest">;
  /** Epoch milliseconds, by this process's clock. */
  readonly nowMs: number;
};

export type Call<Ctx extends Context = Context> = {
  readonly ctx: Ctx;
  readonly invocationId: string;
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
   * Asks Stripe for something that must not stay in the journal: the address of a customer's page, which holds a client
   * secret. A replay asks again, and may be told something else, so what comes of it goes into the answer and nowhere else: no
   * step comes after it. An outage is thrown to the engine, and so is a rejected key, because only a step can pause.
   * @throws CallStopped when Stripe gives no answer until the deadline
   */
  peek<Answer>(request: (stripe: StripeGateway) => Promise<Answer>): Promise<Answer>;
  /** Does a part of the call that nobody waits for, a poll for one: other requests go before those that it sends. */
  unhurried<Result>(part: () => Promise<Result>): Promise<Result>;
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
  constructor(because: "deadline" | "cancellation") {
    super(`The call was stopped (${because}).`);
    this.because = because;
  }
}

/** Gives what a part of a call comes to, or what `stopped` does where the call is stopped in it. */
export async function unlessStopped<Result>(
  part: Promise<Result>,
  stopped: (because: CallStopped["because"]) => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await part;
  } catch (error) {
    if (!(error instanceof CallStopped)) throw error;
    return await stopped(error.because);
  }
}

type Because = CallStopped["because"];

/** What a step leaves in the journal: what it came to, or why it came to nothing. */
type Recorded<Value> = {
  readonly atMs: number;
  readonly told: boolean;
  /** Of the first step only. */
  readonly installationId?: string | null;
} & ({ readonly value: Value; readonly stopped?: undefined } | { readonly stopped: Because });

/** How long an answer is waited for that may be under way: after the deadline, or after the last attempt began. */
const graceMs = 2000;

export function openCall<Ctx extends Context>(ctx: Ctx, options: HandlerOptions): Call<Ctx> {
  const { stripe, ...settings } = options;
  const invocationId = ctx.request().id;
  let last = { atMs: 0, told: false };
  let deadlineAtMs = Infinity;
  let isCancelled = false;
  let isFirst = true;
  let installationId: string | null = null;
  let requests = 0;
  let isHurried = true;

  async function recorded<Value>(produce: () => Promise<Value | Stop>): Promise<Recorded<Value>> {
    const value = await produce();
    const common = {
      atMs: clock(),
      told: settings.notifications.receiver !== null,
      ...(isFirst && { installationId: settings.installation.known() }),
    };
    return value instanceof Stop ? { ...common, stopped: value.because } : { ...common, value };
  }

  /** One attempt's record, or the note that the request is to be sent later. */
  async function recordedOrLater<Value>(
    produce: () => Promise<Value | Stop | Later>,
  ): Promise<Recorded<Value> | Postponed> {
    const value = await produce();
    if (value instanceof Later) return { atMs: clock(), laterMs: value.laterMs };
    return await recorded(async () => value);
  }

  function taken<Value>(record: Recorded<Value>): Value {
    if (isFirst) installationId = record.installationId ?? null;
    isFirst = false;
    last = record;
    if (record.stopped !== undefined) throw new CallStopped(record.stopped);
    return record.value;
  }

  /** One attempt at a request. */
  async function attempt<Answer>(
    step: string,
    request: (stripe: StripeGateway) => Promise<Answer>,
    from: Circumstances,
  ): Promise<Answer | Stop | Later> {
    const abandoned = new AbortController();
    try {
      // Also where the service was dead until the deadline, an attempt is given the time that an answer takes.
      const patienceMs = Math.max(graceMs, from.untilMs + graceMs - clock());
      const answer = onTerms(termsOf(from, clock(), abandoned.signal), () => request(stripe));
      return isNear(from.untilMs) ? await inTime(answer, patienceMs) : await answer;
    } catch (error) {
      if (error instanceof WithdrawnRequest) return new Stop(error.why as Because);
      if (error instanceof StripeBusy && clock() < from.untilMs) return new Later(error.retryAfterMs);
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
    } finally {
      // A request that still waits for its turn gives it up.
      abandoned.abort(nobodyWaits);
    }
  }

  /** The time of a step whose request is to be sent later counts, too: what follows may have a deadline that is counted from it. */
  async function sleepUntilTurn(postponed: Postponed, untilMs: number, isCancellable: boolean): Promise<void> {
    last = { ...last, atMs: postponed.atMs };
    if ((await untilTurn(ctx, postponed, untilMs, isCancellable)) === "turn") return;
    taken(await ctx.run("stop before the turn", () => recorded(async () => new Stop("cancellation"))));
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
    async ask(step, request) {
      const circumstances = { begunAtMs: last.atMs, untilMs: deadlineAtMs, isHurried };
      for (let isBooked = false; ; isBooked = true) {
        const from = { ...circumstances, isBooked };
        const record = await ctx.run(step, () => recordedOrLater(() => attempt(step, request, from)));
        if (!("laterMs" in record)) return taken(record);
        await sleepUntilTurn(record, from.untilMs, false);
      }
    },
    async send(step, request) {
      const circumstances = { begunAtMs: last.atMs, untilMs: deadlineAtMs, isHurried };
      let mayBegin = true;
      const withdrawn = (): Because | null => {
        if (!mayBegin) return "cancellation";
        return clock() >= circumstances.untilMs ? "deadline" : null;
      };
      for (let isBooked = false; ; isBooked = true) {
        const from = { ...circumstances, isBooked, withdrawn };
        const run = ctx.run(step, () =>
          recordedOrLater(async () => {
            const why = withdrawn();
            return why === null ? await attempt(step, request, from) : new Stop(why);
          }),
        );
        const first = await RestatePromise.race([run.map(() => "sent" as const), cancellationOf(ctx)]);
        // An answer that is recorded already, or under way in this process, counts. Another attempt is not begun.
        if (first === "cancellation") mayBegin = false;
        const record = await run;
        if (!("laterMs" in record)) {
          const answer = taken(record);
          if (first === "cancellation") isCancelled = true;
          return answer;
        }
        if (first === "cancellation") throw new CallStopped(first);
        await sleepUntilTurn(record, circumstances.untilMs, true);
      }
    },
    async unhurried(part) {
      const before = isHurried;
      isHurried = false;
      try {
        return await part();
      } finally {
        isHurried = before;
      }
    },
    fix: async (step, decide) =>
      taken(await ctx.run(step, () => recorded(async () => decide({ settings, stripe, nowMs: clock() })))),
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
        const answer = onTerms({ urgency: "first" }, () => request(stripe));
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

/** Made once: an abort without a reason makes an error with a stack trace each time. */
const nobodyWaits = new StripeOutage("Nobody waits for the answer any more.");

/** Stands for an answer that did not come. */
class Stop {
  readonly because: Because;
  constructor(because: Because) {
    this.because = because;
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
