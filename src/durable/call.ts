/**
 * One invocation of a handler, and the only ways in which it looks at the world. A handler is replayed, perhaps by another
 * process with other settings, so whatever decides anything is recorded in the journal before it steers: an answer of Stripe's
 * (`ask`), and what settings, the clock or the memory of a process say (`fix`). A handler never sees the settings otherwise.
 */
import { createHash } from "node:crypto";
import { PauseError, type Context } from "@restatedev/restate-sdk";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { askForInstallation } from "./installation.ts";
import type { Maker } from "../stripe/metadata.ts";
import { StripeAccessError } from "../stripe/request.ts";

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
   * the engine, which repeats the step by the handler's retry policy. A rejected API key pauses the invocation: a terminal
   * answer would be kept under the caller's key, and retrying cannot help.
   */
  ask<Answer>(step: string, request: (stripe: StripeGateway) => Promise<Answer>): Promise<Answer>;
  /** Records what the surroundings say. */
  fix<Fixed>(step: string, decide: (surroundings: Surroundings) => Fixed): Promise<Fixed>;
  /** When the last step was done, in epoch milliseconds, as the process that did it saw it. A replay sees the same. */
  lastStepAtMs(): number;
  /** Whether the merchant was to be told of payments when the last step was done. */
  isMerchantTold(): boolean;
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

/** What a step leaves in the journal. */
type Recorded<Value> = {
  readonly value: Value;
  readonly atMs: number;
  readonly told: boolean;
  /** Of the first step only. */
  readonly installationId?: string | null;
};

export function openCall<Ctx extends Context>(ctx: Ctx, options: HandlerOptions): Call<Ctx> {
  const { stripe, ...settings } = options;
  const invocationId = ctx.request().id;
  let last = { atMs: 0, told: false };
  let isFirst = true;
  let installationId: string | null = null;
  let requests = 0;

  async function record<Value>(step: string, produce: (nowMs: number) => Value | Promise<Value>): Promise<Value> {
    const says = isFirst ? { installationId: settings.installation.known() } : {};
    const recorded: Recorded<Value> = await ctx.run(step, async () => {
      const value = await produce(clock());
      return { value, atMs: clock(), told: settings.notifications.receiver !== null, ...says };
    });
    if (isFirst) installationId = recorded.installationId ?? null;
    isFirst = false;
    last = recorded;
    return recorded.value;
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
      return await record(step, async () => {
        try {
          return await request(stripe);
        } catch (error) {
          if (!(error instanceof StripeAccessError)) throw error;
          const remedy = `${remedies[error.problem]}, then: npx restate inv resume ${invocationId}`;
          ctx.console.error(`${error.message} The invocation is paused at "${step}"; nothing is lost. ${remedy}`);
          throw new PauseError(`${error.message} ${remedy}`);
        }
      });
    },
    fix: async (step, decide) => await record(step, (nowMs) => decide({ settings, stripe, nowMs })),
    lastStepAtMs: () => last.atMs,
    isMerchantTold: () => last.told,
    installationId: knowInstallation,
    knownInstallationId: () => installationId,
    countRequest,
    nextIdempotencyKey: async () => countRequest()(await knowInstallation()),
  };
}

/** The clock of this process, for what is recorded at once. */
function clock(): number {
  // oxlint-disable-next-line no-restricted-globals -- Both callers are inside the closure of a step.
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
