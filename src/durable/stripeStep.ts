import { PauseError, type Context, type RestatePromise } from "@restatedev/restate-sdk";
import { StripeAccessError } from "../stripe/request.ts";

/**
 * One named request to Stripe whose answer is recorded in the journal, so that a replay does not send it again.
 *
 * An outage is thrown to the engine, which repeats the step by the handler's retry policy. A rejected API key pauses the
 * invocation: a terminal answer would be kept under the caller's key, and retrying cannot help.
 */
export function stripeStep<Answer>(ctx: Context, name: string, request: () => Promise<Answer>): RestatePromise<Answer> {
  return ctx.run(name, async () => {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof StripeAccessError)) throw error;
      const remedy = `${remedies[error.problem]}, then: npx restate inv resume ${ctx.request().id}`;
      ctx.console.error(`${error.message} The invocation is paused at "${name}"; nothing is lost. ${remedy}`);
      throw new PauseError(`${error.message} ${remedy}`);
    }
  });
}

/** A key's permissions can be changed at Stripe while it is in use. */
const remedies = {
  rejected: "Fix STRIPE_SECRET_KEY, restart the service",
  forbidden: "Give the key that permission in Stripe's dashboard",
} as const;
