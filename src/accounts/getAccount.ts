import type { AccountState, GetAccountRequest } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { readNamedAccount } from "./object.ts";

/**
 * Reads a connected account. https://docs.stripe.com/api/accounts/retrieve
 * @throws TerminalError `not_found`
 */
export async function getAccount(call: Call, { accountId }: GetAccountRequest): Promise<AccountState> {
  return await readNamedAccount(call, accountId);
}
