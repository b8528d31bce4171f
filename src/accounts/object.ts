/** How an account's onboarding is awaited. */
import type { AwaitedKind } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import type { AccountState } from "./contract.ts";
import { judgeOnboarding, type OnboardingJudgement, type SeenAccount } from "./rules.ts";

export const awaitedAccount: AwaitedKind<SeenAccount, undefined, OnboardingJudgement> = {
  noun: "account",
  read: readAccount,
  async hang(call, accountId, callbackKey, address) {
    return await call.ask("hang the doorbell", (stripe) => stripe.hangAccountDoorbell(accountId, callbackKey, address));
  },
  async unhang(call, accountId, callbackKey) {
    await call.ask("take the doorbell off", (stripe) => stripe.hangAccountDoorbell(accountId, callbackKey, ""));
  },
  judge: judgeOnboarding,
};

/** Reads an account, which may have left. */
export async function readAccount(call: Call, accountId: string): Promise<SeenAccount> {
  return await call.ask("read account", (stripe) => stripe.readAccount(accountId));
}

/** Reads an account that the caller named. @throws TerminalError `not_found` */
export async function readNamedAccount(call: Call, accountId: string): Promise<AccountState> {
  const seen = await readAccount(call, accountId);
  if (seen.kind === "account") return seen.account;
  throw failure("not_found", `The account ${accountId} is not connected to yours.`, { accountId });
}
