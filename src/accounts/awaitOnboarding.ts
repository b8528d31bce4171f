import type { AwaitOnboardingRequest, OnboardedAccount } from "./contract.ts";
import { awaitObject, planWait, settledBy } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { awaitedAccount, readNamedAccount } from "./object.ts";
import { judgeOnboarding, type SeenAccount } from "./rules.ts";

/**
 * Waits until an account can be charged for. It changes nothing: whatever ends the wait, the account is left as it is.
 * @throws TerminalError `not_found`, `rejected`, `deauthorized`, `timed_out` or `canceled`
 */
export async function awaitOnboarding(
  call: Call,
  { accountId, timeoutSeconds }: AwaitOnboardingRequest,
): Promise<OnboardedAccount> {
  const plan = await planWait(call, timeoutSeconds);
  const first: SeenAccount = { kind: "account", account: await readNamedAccount(call, accountId) };
  const atOnce = judgeOnboarding(first);
  const look =
    atOnce.kind === "pending"
      ? await awaitObject(call, awaitedAccount, accountId, { plan, first, judge: judgeOnboarding })
      : ({ wake: "poll", judgement: atOnce } as const);
  const details = { accountId, compensation: "none" } as const;
  const { judgement } = look;
  switch (judgement.kind) {
    case "enabled":
      return { ...judgement.account, settledBy: settledBy(look) };
    case "rejected": {
      const message = `Stripe has disabled the account ${accountId} for good (${judgement.reason}).`;
      throw failure("rejected", message, { accountId, failureReason: judgement.reason });
    }
    case "left":
      throw failure("deauthorized", `The account ${accountId} is no longer connected to yours.`, { accountId });
    case "pending":
      throw look.wake === "cancellation"
        ? failure("canceled", "The wait was cancelled; the account was left as it is.", details)
        : failure("timed_out", "The account can't be charged for yet; it was left as it is.", details);
  }
}
