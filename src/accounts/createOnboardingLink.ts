import type { CreateOnboardingLinkRequest, OnboardingLink } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { refused } from "../durable/failures.ts";
import { readNamedAccount } from "./object.ts";

/**
 * Makes a link to Stripe's onboarding of an account. It comes last and is recorded nowhere but in the answer, which is kept for no time.
 * https://docs.stripe.com/connect/hosted-onboarding
 * @throws TerminalError `invalid_request` or `not_found`
 */
export async function createOnboardingLink(
  call: Call,
  { accountId, ...pages }: CreateOnboardingLinkRequest,
): Promise<OnboardingLink> {
  await readNamedAccount(call, accountId);
  const made = await call.peek((stripe) => stripe.createOnboardingLink(accountId, pages));
  if (made.kind === "link") return made.link;
  throw refused(made.refusal, { accountId });
}
