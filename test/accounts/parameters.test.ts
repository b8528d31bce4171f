import { describe, expect, it } from "vitest";
import { accountParameters } from "../../src/accounts/stripe/accounts.ts";
import { transferParameters } from "../../src/accounts/stripe/transfers.ts";

const maker = { invocationId: "inv_1", installationId: "in_1", merchant: "books" };
const marks = { restate_invocation_id: "inv_1", restate_installation: "in_1", restate_merchant: "books" };
const requested = { card_payments: { requested: true }, transfers: { requested: true } };

describe("accountParameters", () => {
  it("leaves fees, losses and capabilities to who has Stripe's full dashboard", () => {
    expect(
      accountParameters({ dashboard: "full", email: "a@b.example", metadata: { shop: "1" } }, maker),
    ).toStrictEqual({
      controller: {
        fees: { payer: "account" },
        losses: { payments: "stripe" },
        requirement_collection: "stripe",
        stripe_dashboard: { type: "full" },
      },
      email: "a@b.example",
      metadata: { shop: "1", ...marks },
    });
  });

  it.each([
    ["express", "stripe"],
    ["none", "application"],
  ] as const)("takes fees and losses on the platform for the dashboard %s", (dashboard, requirement_collection) => {
    expect(accountParameters({ dashboard, country: "DE" }, maker)).toStrictEqual({
      controller: {
        fees: { payer: "application" },
        losses: { payments: "application" },
        requirement_collection,
        stripe_dashboard: { type: dashboard },
      },
      capabilities: requested,
      country: "DE",
      metadata: marks,
    });
  });
});

describe("transferParameters", () => {
  const request = { accountId: "acct_1", amount: 900, currency: "eur" };
  it("names nothing that was not asked for", () => {
    expect(transferParameters(request, maker)).toStrictEqual({
      amount: 900,
      currency: "eur",
      destination: "acct_1",
      metadata: marks,
    });
  });

  it("names the charge whose money it is, and the group", () => {
    const more = { sourceChargeId: "ch_1", transferGroup: "order-1", metadata: { order: "1" } };
    expect(transferParameters({ ...request, ...more }, maker)).toMatchObject({
      source_transaction: "ch_1",
      transfer_group: "order-1",
      metadata: { order: "1", ...marks },
    });
  });
});
