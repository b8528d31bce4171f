/** Payment methods that are saved for later, and the customers that they belong to. */
import type { Stripe } from "stripe";
import { expect } from "vitest";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const mandate = { type: "offline" };
const returnUrl = "https://shop.example/back";
const threeDSecure = "pm_card_authenticationRequiredSetupForOffSession";
/** The sandbox's bank looks at this account until it is told to settle. */
const slowAccount = "pm_usBankAccount_processing";
const create = /^\/v1\/setup_intents$/;

async function request(stage: Stage, paymentMethodId = "pm_card_visa", more: object = {}) {
  const metadata = { orderId: stage.order };
  const { id: customerId } = await stage.stripe.customers.create({ metadata });
  return { customerId, paymentMethodId, metadata, ...more };
}

async function setups(stage: Stage): Promise<readonly Stripe.SetupIntent[]> {
  const { data } = await stage.stripe.setupIntents.list({ limit: 100 });
  return data.filter(({ metadata }) => metadata?.["orderId"] === stage.order);
}
const setupOf = (stage: Stage) => stage.until("the SetupIntent", async () => (await setups(stage))[0]);
const statuses = async (stage: Stage) => (await setups(stage)).map(({ status }) => status);

export const setupScenarios: readonly Scenario[] = [
  {
    name: "a card is saved at once",
    async play(stage) {
      const answer = await stage.call("setupPaymentMethod", await request(stage));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
        expect(await statuses(stage)).toEqual(["succeeded"]);
      };
    },
  },
  {
    name: "a card is not saved, because its owner is away",
    async play(stage) {
      const answer = await stage.call("setupPaymentMethod", await request(stage, threeDSecure));
      return async () => {
        expect(answer).toMatchObject({ status: 402, body: { metadata: { stripeCode: "authentication_required" } } });
        expect(await statuses(stage)).toEqual(["canceled"]);
      };
    },
  },
  {
    name: "a bank account is saved later",
    async play(stage) {
      const call = stage.call("setupPaymentMethod", await request(stage, slowAccount, { mandate }));
      const { id } = await setupOf(stage);
      await stage.settle(id);
      await stage.deliver("setup_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
        expect(await statuses(stage)).toEqual(["succeeded"]);
      };
    },
  },
  {
    name: "a bank account is refused later",
    async play(stage) {
      const call = stage.call("setupPaymentMethod", await request(stage, slowAccount, { mandate }));
      const { id } = await setupOf(stage);
      await stage.settle(id, "failed");
      await stage.deliver("setup_intent.setup_failed", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 402, body: { metadata: { reason: "declined", setupIntentId: id } } });
        expect(await statuses(stage)).toEqual(["canceled"]);
      };
    },
  },
  {
    name: "a bank account is given up at the deadline, and Stripe lets go of it later",
    async play(stage) {
      const more = { mandate, timeoutSeconds: 12 };
      const answer = await stage.call("setupPaymentMethod", await request(stage, slowAccount, more));
      const { id } = await setupOf(stage);
      await stage.hung(1, () => setupOf(stage));
      await stage.settle(id, "failed");
      await stage.deliver("setup_intent.setup_failed", id);
      return async () => {
        expect(answer).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
        expect(await statuses(stage)).toEqual(["canceled"]);
      };
    },
  },
  {
    name: "the customer confirms, and awaitSetup says so",
    async play(stage) {
      const answer = await stage.call("setupPaymentMethod", await request(stage, threeDSecure, { returnUrl }));
      const { id: setupIntentId } = await setupOf(stage);
      const waiting = stage.call("awaitSetup", { setupIntentId });
      await stage.hung(2, () => setupOf(stage));
      await stage.authorize(setupIntentId, "succeeded");
      await stage.deliver("setup_intent.succeeded", setupIntentId);
      const outcome = await waiting;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "requires_action" } });
        expect(outcome).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await statuses(stage)).toEqual(["succeeded"]);
      };
    },
  },
  {
    name: "the customer doesn't confirm in time",
    async play(stage) {
      // A call whose service is dead until the deadline does not send the customer away any more.
      const more = { returnUrl, timeoutSeconds: 12 };
      const answer = await stage.call("setupPaymentMethod", await request(stage, threeDSecure, more));
      return async () => {
        expect([200, 408]).toContain(answer.status);
        expect(await statuses(stage)).toEqual(["canceled"]);
      };
    },
  },
  {
    name: "the call is cancelled while the answer to a set-up is lost, and the set-up is cancelled",
    async play(stage) {
      const key = `${stage.order}-call`;
      stage.cancelAndFail("POST", create, key, "error_500_saved_after");
      const body = await request(stage, threeDSecure, { returnUrl });
      const answer = await stage.call("setupPaymentMethod", body, key);
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { compensation: "watching" } } });
        expect(await statuses(stage)).toEqual(["canceled"]);
      };
    },
  },
  {
    name: "the answer to a set-up is lost, and looked up",
    async play(stage) {
      stage.faultOn("POST", create, "error_500_saved_after");
      const answer = await stage.call("setupPaymentMethod", await request(stage));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });
        expect(await statuses(stage)).toEqual(["succeeded"]);
      };
    },
  },
];

const email = (stage: Stage) => `${stage.order}@example.com`;

export const customers: readonly Scenario[] = [
  {
    name: "a customer is made and read",
    async play(stage) {
      const made = await stage.call("createCustomer", { email: email(stage), name: "Jenny Rosen" });
      const read = await stage.call("getCustomer", { customerId: made.body["customerId"] });
      return async () => {
        const { data } = await stage.stripe.customers.list({ email: email(stage) });
        expect(data.map(({ id }) => id)).toEqual([made.body["customerId"]]);
        expect([made.status, read.status]).toEqual([200, 200]);
        expect(read.body).toEqual(made.body);
      };
    },
  },
  {
    name: "the answer to a new customer is lost, and looked up",
    async play(stage) {
      stage.faultOn("POST", /^\/v1\/customers$/, "error_500_saved_after");
      const made = await stage.call("createCustomer", { email: email(stage) });
      return async () => {
        const { data } = await stage.stripe.customers.list({ email: email(stage) });
        expect(made.status).toBe(200);
        expect(data.map(({ id }) => id)).toEqual([made.body["customerId"]]);
      };
    },
  },
];
