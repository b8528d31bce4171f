import { describe, expect, it } from "vitest";
import { namedObjects } from "../../src/merchants/ownership/namedObjects.ts";
import { Owners } from "../../src/merchants/ownership/owners.ts";
import type { Reference, StripeObject } from "../../src/merchants/ownership/resources.ts";

const marked = (merchant: string) => ({ restate_invocation_id: "inv_1", restate_merchant: merchant });
const ownedBy = (merchant: string, object: string, id: string) => ({ object, id, metadata: marked(merchant) });

/** Stripe with these objects, which counts how often it is asked. */
function stripeWith(...objects: readonly StripeObject[]) {
  const asked: string[] = [];
  const read = async ({ path, id }: Reference): Promise<StripeObject | null> => {
    asked.push(path);
    return objects.find((object) => object["id"] === id) ?? null;
  };
  return { asked, read };
}

const reference = (kind: string, path: string, id: string): Reference => ({ kind, path: `/v1/${path}/${id}`, id });

describe("an object belongs to", () => {
  it.each<[string, StripeObject, string | null, readonly string[]]>([
    ["who made it", ownedBy("books", "payment_intent", "pi_1"), "books", []],
    [
      "the environment's merchant",
      { object: "refund", id: "re_1", metadata: { restate_invocation_id: "i" } },
      "default",
      [],
    ],
    ["nobody", { object: "payment_intent", id: "pi_1", metadata: { orderId: "1" } }, null, []],
    ["nobody without metadata", { object: "balance" }, null, []],
    [
      "its payment's owner",
      { object: "dispute", id: "du_1", metadata: {}, payment_intent: "pi_b", charge: "ch_t" },
      "books",
      ["/v1/payment_intents/pi_b"],
    ],
    [
      "its charge's owner",
      { object: "refund", id: "re_1", payment_intent: null, charge: "ch_t" },
      "toys",
      ["/v1/charges/ch_t"],
    ],
    ["its maker, and not its payment's", { ...ownedBy("toys", "refund", "re_1"), payment_intent: "pi_b" }, "toys", []],
    [
      "its payment's owner, who stands in it",
      { object: "refund", id: "re_1", payment_intent: ownedBy("books", "payment_intent", "pi_9") },
      "books",
      [],
    ],
    [
      "its payment's customer's owner",
      { object: "dispute", id: "du_1", payment_intent: "pi_c" },
      "books",
      ["/v1/payment_intents/pi_c", "/v1/customers/cus_b"],
    ],
    [
      "its payment method's customer's owner",
      { object: "payment_method", id: "pm_1", customer: "cus_b" },
      "books",
      ["/v1/customers/cus_b"],
    ],
    [
      "its transfer's charge's owner",
      { object: "transfer", id: "tr_1", source_transaction: "ch_t" },
      "toys",
      ["/v1/charges/ch_t"],
    ],
    [
      "its transfer's charge's owner, and not its account's",
      { object: "transfer", id: "tr_1", source_transaction: "ch_t", destination: "acct_b" },
      "toys",
      ["/v1/charges/ch_t"],
    ],
    [
      "its transfer's account's owner where no charge is named",
      { object: "transfer", id: "tr_1", source_transaction: null, destination: "acct_b" },
      "books",
      ["/v1/accounts/acct_b"],
    ],
    [
      "its transfer's account's owner where the charge is nobody's",
      { object: "transfer", id: "tr_1", source_transaction: "ch_n", destination: "acct_b" },
      "books",
      ["/v1/charges/ch_n", "/v1/accounts/acct_b"],
    ],
    [
      "its source's owner",
      { object: "balance_transaction", id: "txn_1", source: "ch_t" },
      "toys",
      ["/v1/charges/ch_t"],
    ],
    ["nobody by an unknown source", { object: "balance_transaction", id: "txn_1", source: "po_1" }, null, []],
    [
      "nobody where its payment is gone",
      { object: "refund", id: "re_1", payment_intent: "pi_gone" },
      null,
      ["/v1/payment_intents/pi_gone"],
    ],
  ])("%s", async (_whom, object, owner, asked) => {
    const stripe = stripeWith(
      ownedBy("books", "payment_intent", "pi_b"),
      ownedBy("toys", "charge", "ch_t"),
      ownedBy("books", "customer", "cus_b"),
      ownedBy("books", "account", "acct_b"),
      { object: "charge", id: "ch_n", metadata: {} },
      { object: "payment_intent", id: "pi_c", metadata: {}, customer: "cus_b" },
    );
    expect(await new Owners().ofObject(object, "", stripe.read)).toBe(owner);
    expect(stripe.asked).toEqual(asked);
  });
});

describe("an owner", () => {
  it("is asked for once, on each account by itself", async () => {
    const stripe = stripeWith(ownedBy("books", "payment_intent", "pi_b"));
    const owners = new Owners();
    for (const account of ["", "", "acct_1", "acct_1"]) {
      expect(await owners.of(reference("payment_intent", "payment_intents", "pi_b"), account, stripe.read)).toBe(
        "books",
      );
    }
    expect(stripe.asked).toHaveLength(2);
  });

  it("is asked for again after half a minute where there was none", async () => {
    let nowMs = 0;
    const stripe = stripeWith({ object: "payment_intent", id: "pi_n", metadata: {} });
    const owners = new Owners(() => nowMs);
    const ask = () => owners.of(reference("payment_intent", "payment_intents", "pi_n"), "", stripe.read);
    await ask();
    nowMs = 29_999;
    await ask();
    expect(stripe.asked).toHaveLength(1);
    nowMs = 30_000;
    await ask();
    expect(stripe.asked).toHaveLength(2);
  });

  it("is not remembered where there is no object", async () => {
    const stripe = stripeWith();
    const owners = new Owners();
    await owners.of(reference("payment_intent", "payment_intents", "pi_n"), "", stripe.read);
    await owners.of(reference("payment_intent", "payment_intents", "pi_n"), "", stripe.read);
    expect(stripe.asked).toHaveLength(2);
  });

  it("is forgotten after ten thousand others", async () => {
    const stripe = stripeWith(ownedBy("books", "payment_intent", "pi_b"));
    const owners = new Owners();
    const ask = () => owners.of(reference("payment_intent", "payment_intents", "pi_b"), "", stripe.read);
    await ask();
    for (let index = 1; index < 10_000; index += 1) owners.note(ownedBy("toys", "charge", `ch_${index}`), "");
    await ask();
    expect(stripe.asked).toHaveLength(1);
    owners.note(ownedBy("toys", "charge", "ch_last"), "");
    await ask();
    expect(stripe.asked).toHaveLength(2);
  });
});

describe("a request names", () => {
  it.each<[string, string, string, string | null, readonly string[]]>([
    [
      "POST",
      "/v1/payment_intents",
      "amount=1&customer=cus_1&metadata[customer]=cus_2",
      null,
      ["customer=/v1/customers/cus_1"],
    ],
    ["POST", "/v1/payment_intents/pi_1/capture", "amount_to_capture=1", "/v1/payment_intents/pi_1", []],
    ["POST", "/v1/refunds", "charge=ch_1", null, ["charge=/v1/charges/ch_1"]],
    ["POST", "/v1/refunds", "payment_intent=pi_1", null, ["payment_intent=/v1/payment_intents/pi_1"]],
    ["POST", "/v1/checkout/sessions/cs_1/expire", "", "/v1/checkout/sessions/cs_1", []],
    [
      "POST",
      "/v1/checkout/sessions",
      "payment_intent_data[transfer_data][destination]=acct_1&payment_intent_data[on_behalf_of]=acct_2",
      null,
      [
        "payment_intent_data[transfer_data][destination]=/v1/accounts/acct_1",
        "payment_intent_data[on_behalf_of]=/v1/accounts/acct_2",
      ],
    ],
    [
      "POST",
      "/v1/transfers",
      "destination=acct_1&source_transaction=ch_1",
      null,
      ["destination=/v1/accounts/acct_1", "source_transaction=/v1/charges/ch_1"],
    ],
    ["POST", "/v1/transfers/tr_1/reversals", "amount=1", "/v1/transfers/tr_1", []],
    ["POST", "/v1/account_links", "account=acct_1", null, ["account=/v1/accounts/acct_1"]],
    [
      "POST",
      "/v1/payment_methods/pm_1/attach",
      "customer=cus_1",
      "/v1/payment_methods/pm_1",
      ["customer=/v1/customers/cus_1"],
    ],
    ["POST", "/v1/setup_intents", "payment_method=pm_1", null, []],
    ["POST", "/v1/payouts", "destination=ba_1", null, []],
    ["POST", "/oauth/deauthorize", "stripe_user_id=acct_1", null, ["stripe_user_id=/v1/accounts/acct_1"]],
    ["DELETE", "/v1/customers/cus_1", "", "/v1/customers/cus_1", []],
    ["GET", "/v1/customers/cus_1/payment_methods?limit=3", "", "/v1/customers/cus_1", []],
    ["GET", "/v1/payment_intents/search?query=a", "", null, []],
    ["GET", "/v1/refunds?payment_intent=pi_1", "", null, ["payment_intent=/v1/payment_intents/pi_1"]],
    ["GET", "/v1/customers/cus_%2F..", "", "/v1/customers/cus_%2F..", []],
    ["GET", "/v1/events/evt_1", "", null, []],
    ["POST", "/v1/webhook_endpoints/we_1", "", null, []],
  ])("%s %s %s", (method, path, form, addressed, inParameters) => {
    const named = namedObjects({ method, path, form });
    expect(named.addressed?.reference.path ?? null).toBe(addressed);
    expect(named.inParameters.map((one) => `${one.parameter}=${one.reference.path}`)).toEqual(inParameters);
  });
});
