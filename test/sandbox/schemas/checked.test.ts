/** The check that every other test relies on: it must find what is wrong, and say where. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Stripe } from "stripe";
import { beforeAll, describe, expect, it } from "vitest";
import { cardPayment, secret, until, withFolder, withReceiver, withSandbox } from "../surroundings.ts";
import { faultsOf } from "./checked.ts";

let paymentIntent: Stripe.PaymentIntent;
let event: Stripe.Event;

beforeAll(async () => {
  await withReceiver(async ({ url, received }) => {
    await withSandbox(
      async ({ stripe }) => {
        paymentIntent = await stripe.paymentIntents.create({ ...cardPayment(), expand: ["latest_charge"] });
        event = await until("the webhook", () =>
          received.map((one) => one.event).find(({ type }) => type === "payment_intent.succeeded"),
        );
      },
      { webhook: { url, secret } },
    );
  });
});

const RETRIEVED = "GET /v1/payment_intents/:id";
const charge = () => paymentIntent.latest_charge as Stripe.Charge;

type Case = [what: string, changed: () => object, fault: string];

describe("an answer", () => {
  it("as it is has no fault", () => {
    expect(faultsOf({ from: RETRIEVED, status: 200, body: JSON.stringify(paymentIntent) })).toEqual([]);
  });

  it.each<Case>([
    ["a missing field", () => ({ amount: undefined }), "the object must have required property 'amount'"],
    ["an invented field", () => ({ amount_minor: 5 }), "the object has 'amount_minor', which isn't declared"],
    ["a wrong type", () => ({ amount: "1099" }), '/amount must be integer, but is "1099"'],
    ["a fraction", () => ({ amount: 10.5 }), "/amount must be integer, but is 10.5"],
    ["null where nothing may miss", () => ({ currency: null }), "/currency must be string, but is null"],
    ["an unknown status", () => ({ status: "done" }), "/status must be equal to one of the allowed values: canceled, "],
    ["a wrong list", () => ({ payment_method_types: [1] }), "/payment_method_types/0 must be string, but is 1"],
    ["metadata that isn't text", () => ({ metadata: { a: 1 } }), "/metadata/a must be string, but is 1"],
    ["an object of another kind", () => ({ latest_charge: event }), "/latest_charge has 'data', which isn't declared"],
    ["neither id nor object", () => ({ latest_charge: 5 }), "/latest_charge must be object, but is 5"],
    [
      "a fault in an expanded object",
      () => ({ latest_charge: { ...charge(), billing_details: { ...charge().billing_details, iban: "AT" } } }),
      "/latest_charge/billing_details has 'iban', which isn't declared",
    ],
    [
      "a fault in a nested hash",
      () => ({ next_action: { type: "redirect_to_url", redirect_to_url: { url: "https://example.com" } } }),
      "/next_action/redirect_to_url must have required property 'return_url'",
    ],
  ])("with %s is found", (_what, changed, fault) => {
    const body = JSON.stringify({ ...paymentIntent, ...changed() });
    const found = faultsOf({ from: RETRIEVED, status: 200, body });
    expect(found.join("\n")).toContain(`${RETRIEVED}: ${fault}`);
  });

  it("of another endpoint's kind is found", () => {
    const body = JSON.stringify(paymentIntent);
    expect(faultsOf({ from: "GET /v1/refunds/:id", status: 200, body })).not.toEqual([]);
    expect(faultsOf({ from: "GET /v1/payment_intents", status: 200, body })).not.toEqual([]);
    expect(faultsOf({ from: "GET /v1/secrets", status: 200, body }).join()).toContain("no declaration");
  });

  it("in a list is found by its place", () => {
    const data = [paymentIntent, { ...paymentIntent, livemode: "no" }];
    const body = JSON.stringify({ object: "list", url: "/v1/payment_intents", has_more: false, data });
    const fault = 'GET /v1/payment_intents: /data/1/livemode must be boolean, but is "no"';
    expect(faultsOf({ from: "GET /v1/payment_intents", status: 200, body })).toEqual([fault]);
  });
});

describe("an error", () => {
  const error = { type: "invalid_request_error", message: "No." };

  it("of the declared shape has no fault", () => {
    const body = JSON.stringify({ error: { ...error, param: "amount" } });
    expect(faultsOf({ from: RETRIEVED, status: 400, body })).toEqual([]);
  });

  it.each([
    ["without its type", { error: { message: "No." } }, "/error must have required property 'type'"],
    ["of an unknown type", { error: { ...error, type: "mistake" } }, "/error/type must be equal to one of"],
    ["with more", { error: { ...error, hint: "?" } }, "/error has 'hint', which isn't declared"],
    ["without a body", {}, "the object must have required property 'error'"],
  ])("%s is found", (_what, body, fault) => {
    const found = faultsOf({ from: RETRIEVED, status: 400, body: JSON.stringify(body) });
    expect(found.join("\n")).toContain(fault);
  });
});

describe("a webhook", () => {
  it.each<Case>([
    ["a missing field", () => ({ request: undefined }), "must have required property 'request'"],
    ["an unknown type", () => ({ type: "payment_intent.paid" }), 'value of tag "type" must be in oneOf'],
    ["another type's object", () => ({ type: "refund.created" }), "/data/object"],
    [
      "a fault in its object",
      () => ({ data: { object: { ...event.data.object, amount: null } } }),
      "/data/object/amount must be integer, but is null",
    ],
  ])("with %s is found", (_what, changed, fault) => {
    expect(faultsOf({ from: "webhook", status: 200, body: JSON.stringify(event) })).toEqual([]);
    const body = JSON.stringify({ ...event, ...changed() });
    expect(faultsOf({ from: "webhook", status: 200, body }).join("\n")).toContain(fault);
  });
});

describe("a test", () => {
  it("fails by what its sandbox sent", async () => {
    await withFolder(async (dataDir) => {
      await withSandbox(async ({ stripe }) => void (await stripe.customers.create()), { dataDir });
      const database = new DatabaseSync(join(dataDir, "sandbox.sqlite"));
      database.exec("UPDATE objects SET body = json_set(body, '$.balance', 'none')");
      database.close();
      const reading = withSandbox(async ({ stripe }) => void (await stripe.customers.list()), { dataDir });
      await expect(reading).rejects.toThrow('GET /v1/customers: /data/0/balance must be integer, but is "none"');
    });
  });
});
