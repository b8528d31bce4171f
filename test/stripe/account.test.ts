import { expect, it } from "vitest";
import { checkAccount } from "../../src/stripe/account.ts";
import { invalidKey, startStripeStub, stubAccount } from "../dev/stripeStub.ts";

const forbidden = {
  status: 403,
  body: {
    error: {
      type: "invalid_request_error",
      message:
        "The provided key 'rk_test_***' does not have the required permissions for this endpoint on account 'acct_1'. Having the 'rak_accounts_kyc_basic_read' permission would allow this request to continue.",
    },
  },
};

it.each([
  ["knows the account of a key", stubAccount, { kind: "ok", accountId: "acct_stub" }],
  ["tells a key that Stripe rejects", invalidKey, { kind: "rejected" }],
  // A restricted key need not read its own account to make payments.
  ["takes a key that may not read its account for one whose account is not known", forbidden, { kind: "unavailable" }],
])("%s", async (_what, answer, expected) => {
  const apiBase = await startStripeStub(answer);
  expect(await checkAccount({ secretKey: "rk_test_1", apiBase })).toMatchObject(expected);
});
