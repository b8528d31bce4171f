import type { AccountState, CreateAccountRequest } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { createFirst } from "../durable/createFirst.ts";
import { throughPages, type CreatedKind } from "../durable/createOnce.ts";
import { failure, refused } from "../durable/failures.ts";
import { readAccount } from "./object.ts";
import { accountParameters, type AccountParameters } from "./stripe/accounts.ts";

const accountCreation: CreatedKind<AccountParameters, AccountState> = {
  noun: "account",
  step: "create account",
  send: (stripe, request) => stripe.createAccount(request),
  detailsOf: (accountId) => ({ accountId }),

  async read(call, accountId) {
    const seen = await readAccount(call, accountId);
    if (seen.kind === "account") return seen.account;
    throw failure("needs_review", `The account ${accountId} was made, and has left.`, { accountId });
  },

  /** In the list of the connected accounts, which shows at once what exists. */
  async find(call, creation) {
    const page = (after: string | null) => call.ask("list accounts", (stripe) => stripe.listAccounts(creation, after));
    return (await throughPages(page)) ?? [];
  },

  /** An account that nobody was led to costs nothing, and its owner may be at its onboarding by now. */
  undoAllButOne: async (_call, ids) => ({ keptId: ids[0] ?? "", message: "All are left as they are." }),
};

/**
 * Creates a connected account, once per idempotency key, whatever crashes when. https://docs.stripe.com/api/accounts/create
 * @throws TerminalError `invalid_request` or `needs_review`
 */
export async function createAccount(call: Call, request: CreateAccountRequest): Promise<AccountState> {
  const { outcome: created } = await createFirst(call, accountCreation, {
    parameters: (maker) => accountParameters(request, maker),
    extra: () => ({}),
  });
  switch (created.kind) {
    case "created":
      return created.made;
    case "refused":
      throw refused(created.refusal, {});
    case "declined":
      throw failure("needs_review", created.failure.message, {});
  }
}
