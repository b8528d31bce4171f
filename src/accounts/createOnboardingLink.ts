import type { CreateOnboardingLinkRequest, OnboardingLink } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { refused } from "../durable/failures.ts";
import { readNamedAccount } from "./object.ts";

/**
 * Makes a link to Stripe's onboarding of an account. It comes last and is recorded nowhere but in the answer, which is kept for no time.
 * A process that dies between its answer and the end of the call is followed by one that must give the same answer: by the idempotency
 * key Stripe gives the same link again.
 * https://docs.stripe.com/connect/hosted-onboarding
 * @throws TerminalError `invalid_request` or `not_found`
 */
export async function createOnboardingLink(
  call: Call,
  { accountId, ...pages }: CreateOnboardingLinkRequest,
): Promise<OnboardingLink> {
  await readNamedAccount(call, accountId);
  const idempotencyKey = await call.nextIdempotencyKey();
  const made = await call.peek((stripe) => stripe.createOnboardingLink(accountId, pages, idempotencyKey));
  if (made.kind === "link") return made.link;
  throw refused(made.refusal, { accountId });
}
