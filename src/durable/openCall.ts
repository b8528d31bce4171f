/** Opens a call: how each of its steps is run, recorded and stopped. */
import { createHash } from "node:crypto";
import { RestatePromise, type Context } from "@restatedev/restate-sdk";
import type { HandlerOptions } from "../merchants/options.ts";
import { StripeOutage } from "../stripe/request.ts";
import { noAcceptance, type Acceptance } from "./acceptance.ts";
import { attempt, clock, graceMs, inTime, isNear, Stop } from "./attempt.ts";
import { CallStopped, type Beginning, type Call, type Surroundings } from "./call.ts";
import { cancellationOf } from "./cancellation.ts";
import { askForInstallation } from "./installation.ts";

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
      return taken(await ctx.run(step, () => recorded(() => attempt(ctx, step, () => request(stripe), from))));
    },
    async send(step, request) {
      const from = { begunAtMs: last.atMs, untilMs: deadlineAtMs };
      let mayBegin = true;
      const run = ctx.run(step, () =>
        recorded(async () => {
          if (!mayBegin) return new Stop("cancellation");
          return clock() >= from.untilMs ? new Stop("deadline") : await attempt(ctx, step, () => request(stripe), from);
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
          const answer = await attempt(ctx, step, () => request(stripe), { begunAtMs: acceptedAtMs, untilMs });
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
