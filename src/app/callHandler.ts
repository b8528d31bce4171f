/** A call of the registry as a handler of the engine: how its request is read, its answer kept, and its failure told. */
import * as restate from "@restatedev/restate-sdk";
import type { z } from "zod";
import { services } from "../api/calls.ts";
import { acceptanceOf } from "../durable/acceptance.ts";
import { answerSerde } from "../durable/answerSerde.ts";
import type { Call } from "../durable/call.ts";
import { asFailure, failure, withFingerprint } from "../durable/failures.ts";
import { emptyKeyTest } from "../durable/idempotencyKey.ts";
import { openCall } from "../durable/openCall.ts";
import * as run from "../durable/policies.ts";
import { requestSerde } from "../durable/requestSerde.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { accountOf, type Addressed } from "../merchants/rules.ts";

type Declared<Request, Answer> = {
  readonly description: string;
  readonly input: z.ZodType<Request>;
  readonly output: z.ZodType<Answer>;
  readonly effect: "moves" | "reads";
};

type Keeping = {
  readonly explicitCancellation?: boolean;
  readonly idempotencyRetention: number;
  readonly journalRetention: number;
};

export function callHandlers(service: keyof typeof services, options: HandlerOptions) {
  /** How the engine keeps the answer of a call. */
  const kept = {
    moves: {
      // What was sent to Stripe is recorded before a cancellation is looked at; only the waits look at it.
      explicitCancellation: true,
      idempotencyRetention: options.idempotencyRetentionMs,
      journalRetention: run.paymentJournalRetentionMs,
    },
    reads: run.keepingNothing,
  } as const;
  /** A call that hands on what is to be kept hands a cancellation on, too. */
  const keptElsewhere = { ...run.keepingNothing, explicitCancellation: true } as const;

  function handler<Request extends Addressed, Answer>(
    declared: Declared<Request, Answer>,
    handle: (call: Call, request: Request) => Promise<Answer>,
    keeping: Keeping = kept[declared.effect],
  ) {
    const { description, input, output } = declared;
    const target = { service, handler: nameOf(service, declared) };
    const hasEmptyKey = emptyKeyTest(target.service, target.handler);
    return restate.handlers.handler(
      {
        ...run.running(options),
        description,
        input: requestSerde(input),
        output: answerSerde(output),
        ...keeping,
      },
      async (ctx: restate.Context, request: Request) => {
        if (hasEmptyKey(ctx.request().id)) {
          throw failure("invalid_request", "The idempotency-key header is empty: send a key, or no header.", {});
        }
        const acceptance = acceptanceOf(ctx, target, options.edgeSecrets ?? []);
        const call = openCall(ctx, options, { account: accountOf(request), acceptance, isAsked: true });
        try {
          const answer = await handle(call, request);
          return { answer, fingerprint: call.answeredFingerprint() };
        } catch (error) {
          throw withFingerprint(asFailure(error, request), call.answeredFingerprint());
        }
      },
    );
  }

  return { handler, kept, keptElsewhere };
}

function nameOf(service: keyof typeof services, declared: unknown): string {
  const [name] = Object.entries(services[service]).find(([, call]) => call === declared) ?? [];
  if (name === undefined) throw new TypeError("A handler of a call that the registry does not have.");
  return name;
}
