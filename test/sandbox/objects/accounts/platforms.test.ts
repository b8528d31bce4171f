/** Several platforms in one sandbox: what is of one is never seen, reached or heard by another. */
import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  applicationOf,
  isPlatform,
  platformOfClientId,
  platformOfKey,
} from "../../../../src/sandbox/world/platforms.ts";
import {
  cardPayment,
  clientOf,
  connectedAccount,
  control,
  errorOf,
  type Surroundings,
  until,
  withReceiver,
  withSandbox,
} from "../../surroundings.ts";
import { Stripe as Client } from "stripe";

const SHOES = "sk_test_account_shoes";

function platformClient({ sandbox }: Surroundings, key: string, options: Stripe.StripeConfig = {}): Stripe {
  const { host, port, protocol } = sandbox;
  return new Client(key, { host, port, protocol, maxNetworkRetries: 0, ...options });
}

describe("a key's platform", () => {
  it.each([
    ["sk_test_account_shoes", "acct_1Sandboxshoes", "ca_account_shoes"],
    ["rk_test_account_shoes", "acct_1Sandboxshoes", "ca_account_shoes"],
    ["sk_test_account_hats2", "acct_1Sandboxhats2", "ca_account_hats2"],
    ["sk_test_account_hats-2_b", "acct_1SandboxhatsD2Ub", "ca_account_hats-2_b"],
    ["sk_test_account_-", "acct_1SandboxD", "ca_account_-"],
    ["sk_test_account_Shoes", "acct_1SandboxPlatform", "ca_sandbox_platform"],
    ["sk_test_account_", "acct_1SandboxPlatform", "ca_sandbox_platform"],
    ["sk_test_of_the_tests", "acct_1SandboxPlatform", "ca_sandbox_platform"],
  ])("of %s is %s, whose client id is %s", async (key, account, clientId) => {
    expect([platformOfKey(key), isPlatform(account)]).toEqual([account, true]);
    expect([applicationOf(account).id, platformOfClientId(clientId)]).toEqual([clientId, account]);
    await withSandbox(async (around) => {
      const { id } = await platformClient(around, key).accounts.retrieveCurrent();
      expect(id).toBe(account);
      expect((await platformClient(around, key, { stripeAccount: account }).accounts.retrieveCurrent()).id).toBe(id);
    });
  });

  it.each(["ca_", "ca_account_", "ca_account_Shoes", "ca_123", ""])("isn't named by the client id '%s'", (clientId) => {
    expect(platformOfClientId(clientId)).toBeNull();
  });
});

describe("two platforms", () => {
  it("see neither each other's objects nor lists, events, endpoints, search or saved answers", async () => {
    await withSandbox(async (around) => {
      const platforms = [around.stripe, platformClient(around, SHOES)];
      const ids: string[] = [];
      for (const stripe of platforms) {
        const metadata = { order: "7" };
        const params = { ...cardPayment(), metadata };
        const { id } = await stripe.paymentIntents.create(params, { idempotencyKey: "order-7" });
        await stripe.webhookEndpoints.create({ url: "http://127.0.0.1:9/", enabled_events: ["*"] });
        await stripe.accounts.create({ type: "standard" });
        ids.push(id);
      }
      expect(new Set(ids).size).toBe(2);
      for (const [index, stripe] of platforms.entries()) {
        const [own, other] = index === 0 ? ids : ids.toReversed();
        expect((await stripe.paymentIntents.list()).data.map(({ id }) => id)).toEqual([own]);
        const found = await stripe.paymentIntents.search({ query: "metadata['order']:'7'" });
        expect(found.data.map(({ id }) => id)).toEqual([own]);
        expect(await errorOf(stripe.paymentIntents.retrieve(other ?? ""))).toMatchObject({ statusCode: 404 });
        expect((await stripe.webhookEndpoints.list()).data).toHaveLength(1);
        expect((await stripe.accounts.list()).data).toHaveLength(1);
        const events = await stripe.events.list({ type: "payment_intent.succeeded" });
        expect(events.data.map(({ data }) => (data.object as Stripe.PaymentIntent).id)).toEqual([own]);
        expect(events.data[0]).not.toHaveProperty("account");
      }
    });
  });

  it("hear on their Connect endpoints only the accounts that are connected to them", async () => {
    await withReceiver(async (ours) => {
      await withReceiver(async (theirs) => {
        await withSandbox(async (around) => {
          const shoes = platformClient(around, SHOES);
          await around.stripe.webhookEndpoints.create({ url: ours.url, enabled_events: ["*"], connect: true });
          await shoes.webhookEndpoints.create({ url: theirs.url, enabled_events: ["*"], connect: true });
          const account = await connectedAccount({ ...around, stripe: shoes });
          await platformClient(around, SHOES, { stripeAccount: account }).customers.create();
          const heard = await until("the event", () =>
            theirs.received.map(({ event }) => event).find(({ type }) => type === "customer.created"),
          );
          expect(heard.account).toBe(account);
          expect(ours.received).toEqual([]);
          const resent = { webhook_endpoint: (await around.stripe.webhookEndpoints.list()).data[0]?.id };
          const connected = platformClient(around, SHOES, { stripeAccount: account });
          const retry = connected.rawRequest("POST", `/v1/events/${heard.id}/retry`, resent);
          expect(await errorOf(retry)).toMatchObject({ code: "resource_missing" });
        });
      });
    });
  });
});

describe("the Stripe-Account header", () => {
  it.each([
    ["an account of another platform", async ({ stripe }: Surroundings) => (await stripe.accounts.create()).id],
    ["another platform", () => "acct_1Sandboxhats"],
    ["the default platform", () => "acct_1SandboxPlatform"],
    ["an account that never was", () => "acct_1Nowhere"],
    ["no account's id", () => "nonsense"],
    [
      "an account that was deleted",
      async (around: Surroundings) => {
        const shoes = platformClient(around, SHOES);
        const { id } = await shoes.accounts.create();
        await shoes.accounts.del(id);
        return id;
      },
    ],
    [
      "an account that left",
      async (around: Surroundings) => {
        const { id } = await platformClient(around, SHOES).accounts.create();
        await control(around.sandbox, "POST", "/deauthorize", { account: id });
        return id;
      },
    ],
  ])("may not name %s", async (_what, name) => {
    await withSandbox(async (around) => {
      const account = await name(around);
      const shoes = platformClient(around, SHOES);
      const refused = { statusCode: 403, code: "account_invalid", type: "StripePermissionError" };
      const message = `The provided key 'sk_test_***' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`;
      for (const call of [
        platformClient(around, SHOES, { stripeAccount: account }).paymentIntents.create(cardPayment()),
        shoes.accounts.retrieve(account),
        shoes.accounts.update(account, { email: "a@example.com" }),
        shoes.accounts.del(account),
      ]) {
        expect(await errorOf(call)).toMatchObject({ ...refused, message });
      }
    });
  });

  it("names an account for which no other account is made", async () => {
    await withSandbox(async (around) => {
      const account = await connectedAccount(around);
      const there = clientOf(around.sandbox, { stripeAccount: account });
      expect(await errorOf(there.accounts.create())).toMatchObject({ statusCode: 400 });
      expect((await there.accounts.retrieve(account)).id).toBe(account);
    });
  });
});
