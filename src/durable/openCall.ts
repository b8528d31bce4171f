/** Opens a call: how each of its steps is run, recorded and stopped. */
import { createHash } from "node:crypto";
import { PauseError, RestatePromise, type Context } from "@restatedev/restate-sdk";
import { merchantOf, type HandlerOptions, type Merchant } from "../merchants/options.ts";
import { isDefault, labelOf, type Account } from "../merchants/rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { StripeAccountGone, StripeOutage } from "../stripe/request.ts";
import { onTerms } from "../stripe/terms.ts";
import { labelInvocation } from "../telemetry/accountLabels.ts";
import { noAcceptance, type Acceptance } from "./acceptance.ts";
import { attempt, clock, Gone, graceMs, inTime, isNear, Stop } from "./attempt.ts";
import { CallStopped, type Accepted, type Beginning, type Call, type Surroundings } from "./call.ts";
import { cancellationOf } from "./cancellation.ts";
import { AccountGone, invalidField } from "./failures.ts";
import { askForInstallation } from "./installation.ts";
import { merchantSoon } from "./merchantSoon.ts";
import { Later, untilTurn, type Postponed } from "./turn.ts";

type Because = CallStopped["because"];

/** No merchant of this id is configured: there never was one, or it was removed. */
class UnknownMerchant extends Error {
  override readonly name = "UnknownMerchant";
  constructor(id: string) {
    super(`There is no merchant ${id}.`);
  }
}

/** What a step leaves in the journal: what it came to, or why it came to nothing. */
type Recorded<Value> = {
  readonly atMs: number;
  readonly told: boolean;
  /** Of the first step only. */
  readonly installationId?: string | null;
} & (
  | { readonly value: Value; readonly stopped?: undefined }
  | { readonly stopped: Because; readonly fixedAtMs?: number | null }
  /** The call names a merchant that there isn't. */
  | { readonly stopped: "merchant" }
  /** The call acts on an account that is not connected. */
  | { readonly stopped: "account"; readonly refusal: Refusal }
);

export type Opening = {
  /** Whose money the call is about. */
  readonly account: Account;
  /** What the edge says of the call. */
  readonly acceptance?: Acceptance;
  /** A caller who names a merchant that there isn't is told so. A private call waits for the merchant to come back. */
  readonly isAsked?: boolean;
  /** A caller who names an account that is not connected is told that the request is wrong; it is the caller's unless it is private. */
  readonly isForCaller?: boolean;
};

export function openCall<Ctx extends Context>(
  ctx: Ctx,
  options: HandlerOptions,
  { account, acceptance = noAcceptance, isAsked = false, isForCaller = isAsked }: Opening,
): Call<Ctx> {
  const {
    stripe: _stripe,
    mode: _mode,
    webhookSecrets: _secrets,
    clientId: _clientId,
    furtherMerchants: _further,
    ...settings
  } = options;
  const invocationId = ctx.request().id;
  if (!isDefault(account)) labelInvocation(invocationId, labelOf(account));
  let last = { atMs: 0, told: false };
  let deadlineAtMs = Infinity;
  let isCancelled = false;
  let isFirst = true;
  let installationId: string | null = null;
  let requests = 0;
  let isHurried = true;
  /** Whether the next request that is sent was told to come again, and does. */
  let isNextBooked = false;
  let answered: string | null | undefined;
  let hasStripeAnswered = false;
  let concerns: Readonly<Record<string, string>> = {};

  /** The merchant as it is configured now. Not for decisions outside a step. @throws UnknownMerchant */
  function merchantNow(): Merchant {
    const merchant = merchantOf(options, account.merchant);
    if (merchant === undefined) throw new UnknownMerchant(account.merchant);
    return merchant;
  }

  /** The gateway to the call's account. Not to be kept: a merchant's key may be changed while the call waits. */
  function gateway(): StripeGateway {
    const { stripe } = merchantNow();
    return account.stripeAccount === null ? stripe : stripe.onBehalf(account.stripeAccount);
  }

  async function recorded<Value>(produce: () => Promise<Value | Stop | Gone>): Promise<Recorded<Value>> {
    const value = await produce();
    const common = {
      atMs: clock(),
      told: (merchantOf(options, account.merchant)?.receiver ?? null) !== null,
      ...(isFirst && { installationId: settings.installation.known() }),
    };
    if (value instanceof Gone) return { ...common, stopped: "account", refusal: value.refusal };
    if (!(value instanceof Stop)) return { ...common, value };
    return { ...common, stopped: value.because, ...(value.fixedAtMs !== null && { fixedAtMs: value.fixedAtMs }) };
  }

  /** For a step that moves nothing: the call's first one refuses a merchant that there isn't. */
  async function orUnknownMerchant<Result>(result: Promise<Result>): Promise<Result | Recorded<never>> {
    try {
      return await result;
    } catch (error) {
      if (!(error instanceof UnknownMerchant) || !isFirst || !isAsked) throw pausing(error);
      return { atMs: clock(), told: false, stopped: "merchant" };
    }
  }

  /** A merchant that was removed: the call waits for an operator, because its money is still under way. */
  function pausing(error: unknown): unknown {
    if (!(error instanceof UnknownMerchant)) return error;
    const remedy = `Put it back into MERCHANTS_FILE, then: npx restate inv resume ${invocationId}`;
    ctx.console.error(`${error.message} The invocation is paused; nothing is lost. ${remedy}`);
    return new PauseError(`${error.message} ${remedy}`);
  }

  /** One attempt's record, or the note that the request is to be sent later. */
  async function recordedOrLater<Value>(
    produce: () => Promise<Value | Stop | Gone | Later>,
  ): Promise<Recorded<Value> | Postponed> {
    const value = await produce();
    if (value instanceof Later) return { atMs: clock(), laterMs: value.laterMs };
    return await recorded(async () => value);
  }

  function taken<Value>(record: Recorded<Value>): Value {
    if (isFirst) installationId = record.installationId ?? null;
    isFirst = false;
    last = record;
    if (record.stopped === "merchant") throw invalidField("merchant", `There is no merchant ${account.merchant}.`, {});
    if (record.stopped === "account") throw goneAccount(record.refusal);
    if (record.stopped !== undefined) throw new CallStopped(record.stopped, record.fixedAtMs);
    return record.value;
  }

  /** The same for a step that asked Stripe. */
  function takenAnswer<Value>(record: Recorded<Value>): Value {
    const value = taken(record);
    hasStripeAnswered = true;
    return value;
  }

  function goneAccount(refusal: Refusal): AccountGone {
    return AccountGone.of(refusal, hasStripeAnswered || !isForCaller, concerns);
  }

  function surroundings(): Surroundings {
    const nowMs = clock();
    const { stripe, mode, limits, clientId } = merchantNow();
    const merchant = { mode, limits, clientId };
    return { settings, merchant, stripe, nowMs, acceptedAtMs: acceptance.acceptedAtMs(nowMs) ?? nowMs };
  }

  /**
   * The time of a step whose request is to be sent later counts, too: what follows may have a deadline that is counted from it.
   * @param sinceMs since when an earlier attempt may have sent the request, where its own step fixed it
   */
  async function sleepUntilTurn(
    postponed: Postponed,
    untilMs: number,
    isCancellable: boolean,
    sinceMs: number | null = null,
  ): Promise<void> {
    last = { ...last, atMs: postponed.atMs };
    if ((await untilTurn(ctx, postponed, untilMs, isCancellable)) === "turn") return;
    taken(
      await ctx.run("stop before the turn", () =>
        orUnknownMerchant(recorded(async () => new Stop("cancellation", sinceMs))),
      ),
    );
  }

  /** For a request that is yet to be sent: it is not, once the call is cancelled. */
  function stopIfCancelled(sinceMs: number | null): void {
    if (!isCancelled) return;
    isCancelled = false;
    throw new CallStopped("cancellation", sinceMs);
  }

  /** Not past the deadline. */
  async function pause(delayMs: number, name: string, isCancellable: boolean): Promise<void> {
    const leftMs = Math.max(0, deadlineAtMs - last.atMs);
    const over = ctx.sleep(Math.min(delayMs, leftMs), name).map(() => "over" as const);
    const wake = await (isCancellable ? RestatePromise.race([over, cancellationOf(ctx)]) : over);
    if (wake === "cancellation") throw new CallStopped("cancellation");
    if (leftMs <= delayMs) throw new CallStopped("deadline");
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

  const call: Call<Ctx> = {
    ctx,
    invocationId,
    account,
    acceptance,
    answerFor(fingerprint) {
      answered = fingerprint;
    },
    answeredFingerprint: () => (answered === undefined ? (acceptance.verified()?.fingerprint ?? null) : answered),
    async ask(step, request) {
      const circumstances = { begunAtMs: last.atMs, untilMs: deadlineAtMs, isHurried };
      for (let isBooked = false; ; isBooked = true) {
        const from = { ...circumstances, isBooked };
        const record = await ctx.run(step, () =>
          orUnknownMerchant(recordedOrLater(() => attempt(ctx, step, () => request(gateway()), from))),
        );
        if (!("laterMs" in record)) return takenAnswer(record);
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
      const wasBooked = isNextBooked;
      isNextBooked = false;
      for (let isBooked = wasBooked; ; isBooked = true) {
        const from = { ...circumstances, isBooked, withdrawn };
        const run = ctx.run(step, () =>
          recordedOrLater(async () => {
            const why = withdrawn();
            return why === null ? await attempt(ctx, step, () => request(gateway()), from) : new Stop(why);
          }).catch((error: unknown) => {
            throw pausing(error);
          }),
        );
        const first = await RestatePromise.race([run.map(() => "sent" as const), cancellationOf(ctx)]);
        // An answer that is recorded already, or under way in this process, counts. Another attempt is not begun.
        if (first === "cancellation") mayBegin = false;
        const record = await run;
        if (!("laterMs" in record)) {
          const answer = takenAnswer(record);
          if (first === "cancellation") isCancelled = true;
          return answer;
        }
        if (first === "cancellation") throw new CallStopped(first);
        await sleepUntilTurn(record, circumstances.untilMs, true);
      }
    },
    async sendAccepted<Kept, Answer>(
      step: string,
      begin: (surroundings: Surroundings) => Beginning<Kept, Answer> | null,
    ) {
      let mayBegin = true;
      type Value = Accepted<Kept, Answer>;
      const attemptFirst = async (): Promise<Value | Stop | Gone> => {
        if (acceptance.acceptedAtMs(clock()) !== null) await merchantSoon(options, account.merchant);
        const acceptedAtMs = acceptance.acceptedAtMs(clock());
        const sinceMs = acceptedAtMs ?? acceptance.earliestMs(clock());
        if (!mayBegin) return new Stop("cancellation", sinceMs);
        if (acceptedAtMs === null) return { kind: "not_accepted", sinceMs };
        const beginning = begin(surroundings());
        if (beginning === null) return { kind: "undecided", sinceMs };
        const { kept, deadlineAtMs: untilMs, request } = beginning;
        if (request === null) return { kind: "not_sent", kept };
        const withdrawn = (): Because | null => {
          if (!mayBegin) return "cancellation";
          return clock() >= untilMs ? "deadline" : null;
        };
        const why = withdrawn();
        if (why !== null) return new Stop(why, acceptedAtMs);
        const from = { begunAtMs: acceptedAtMs, untilMs, isHurried, isBooked: false, withdrawn };
        const answer = await attempt(ctx, step, () => request(gateway()), from);
        if (answer instanceof Stop) return new Stop(answer.because, acceptedAtMs);
        if (answer instanceof Gone) return answer;
        if (!(answer instanceof Later)) return { kind: "sent", kept, answer };
        return { kind: "postponed", kept, turn: { laterMs: answer.laterMs, untilMs, sinceMs } };
      };
      const { promise: produced, resolve: produce } = Promise.withResolvers<Recorded<Value>>();
      const run = ctx.run(step, async () => {
        const record = await recorded(attemptFirst).catch((error: unknown) => {
          throw pausing(error);
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
      if (record.stopped !== undefined || record.value.kind !== "sent") await settled;
      const value = taken(record);
      switch (value.kind) {
        case "sent":
          hasStripeAnswered = true;
          break;
        case "not_sent":
          break;
        case "postponed": {
          const { laterMs, untilMs, sinceMs } = value.turn;
          stopIfCancelled(sinceMs);
          isNextBooked = true;
          await sleepUntilTurn({ atMs: record.atMs, laterMs }, untilMs, true, sinceMs);
          break;
        }
        case "undecided":
        case "not_accepted":
          stopIfCancelled(value.sinceMs);
          break;
      }
      return { value, recorded: async () => void (await settled) };
    },
    untilCancelled: () => ({
      ...call,
      async ask(step, request) {
        stopIfCancelled(null);
        return await call.send(step, request);
      },
      async pause(delayMs, name) {
        stopIfCancelled(null);
        await pause(delayMs, name, true);
      },
    }),
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
      taken(await ctx.run(step, () => orUnknownMerchant(recorded(async () => decide(surroundings()))))),
    setDeadline(atMs) {
      const before = deadlineAtMs;
      deadlineAtMs = atMs;
      return before;
    },
    pause: async (delayMs, name) => await pause(delayMs, name, false),
    async peek(request) {
      try {
        const answer = onTerms({ urgency: "first" }, () => request(gateway()));
        return await (isNear(deadlineAtMs) ? inTime(answer, deadlineAtMs + graceMs - clock()) : answer);
      } catch (error) {
        if (error instanceof StripeAccountGone) throw goneAccount(error.refusal);
        if (error instanceof StripeOutage && clock() >= deadlineAtMs) throw new CallStopped("deadline");
        throw error;
      }
    },
    concern(ids) {
      concerns = { ...concerns, ...ids };
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
  return call;
}
