/** Accounts of every kind, their capabilities and requirements, and the events of what changes. */
import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  cardPayment,
  clientOf,
  connectedAccount,
  control,
  debitPayment,
  errorOf,
  secret,
  type Surroundings,
  until,
  untilStatus,
  withReceiver,
  withSandbox,
} from "../../surroundings.ts";

const platformControlled = {
  fees: { payer: "application" },
  losses: { payments: "application" },
  requirement_collection: "application",
  stripe_dashboard: { type: "none" },
} as const;

type Created = [params: Stripe.AccountCreateParams, shown: object];

describe("a new account", () => {
  it.each<Created>([
    [{}, { type: "standard", controller: { fees: { payer: "account" }, stripe_dashboard: { type: "full" } } }],
    [{ type: "standard" }, { type: "standard", controller: { losses: { payments: "stripe" } } }],
    [
      { type: "express" },
      {
        type: "express",
        controller: { fees: { payer: "application_express" }, stripe_dashboard: { type: "express" } },
      },
    ],
    [{ type: "custom" }, { type: "custom", controller: { requirement_collection: "application" } }],
    [
      { controller: { fees: { payer: "account" } } },
      { type: "standard", controller: { is_controller: true, type: "application" } },
    ],
    [{ controller: platformControlled }, { type: "none", controller: platformControlled }],
    [
      { controller: { stripe_dashboard: { type: "express" }, losses: { payments: "application" } } },
      { type: "none", controller: { requirement_collection: "stripe", losses: { payments: "application" } } },
    ],
    [{ country: "JP" }, { country: "JP", default_currency: "jpy" }],
    [
      { country: "DE", default_currency: "usd" },
      { country: "DE", default_currency: "usd" },
    ],
    [
      { email: "a@example.com", business_type: "company", metadata: { shop: "7" } },
      { email: "a@example.com", business_type: "company", metadata: { shop: "7" } },
    ],
    [
      { business_profile: { mcc: "5734", url: "https://shop.test", support_address: { city: "Wien" } } },
      { business_profile: { mcc: "5734", url: "https://shop.test", support_address: { city: "Wien", line1: null } } },
    ],
    [
      { type: "custom", tos_acceptance: { date: 1_700_000_000, ip: "8.8.8.8" } },
      { tos_acceptance: { date: 1_700_000_000, ip: "8.8.8.8" } },
    ],
    [
      { type: "express", capabilities: { card_payments: { requested: true }, transfers: { requested: true } } },
      { capabilities: { card_payments: "inactive", transfers: "inactive" } },
    ],
  ])("of %j shows that, and owes what it has not told", async (params, shown) => {
    await withSandbox(async ({ stripe }) => {
      const account = await stripe.accounts.create(params);
      expect(account).toMatchObject(shown);
      expect(account.id).toMatch(/^acct_1[A-Za-z0-9]{15}$/);
      expect(account).toMatchObject({ charges_enabled: false, payouts_enabled: false, details_submitted: false });
      expect(account.requirements).toMatchObject({ disabled_reason: "requirements.past_due", current_deadline: null });
      expect(account.requirements?.past_due).toEqual(account.requirements?.currently_due);
      expect(account.requirements?.currently_due).toContain("external_account");
      const owes = (field: string) => account.requirements?.currently_due?.includes(field);
      expect(owes("business_type")).toBe(params.business_type === undefined);
      expect(owes("business_profile.mcc")).toBe(params.business_profile === undefined);
      expect(owes("tos_acceptance.ip")).toBe(params.tos_acceptance === undefined);
      expect(await stripe.accounts.retrieve(account.id)).toMatchObject(shown);
    });
  });

  it.each<[what: string, params: Stripe.AccountCreateParams, error: object]>([
    [
      "a type and a controller",
      { type: "express", controller: { fees: { payer: "account" } } },
      { code: "parameters_exclusive", param: "type" },
    ],
    ["a country without Stripe", { country: "KP" }, { code: "country_unsupported", param: "country" }],
    ["an unknown currency", { default_currency: "xxx" }, { param: "default_currency" }],
    [
      "an unknown capability",
      { capabilities: { flying: { requested: true } } as object },
      { code: "parameter_unknown" },
    ],
    [
      "requirements that the platform collects beside Stripe's dashboard",
      { controller: { requirement_collection: "application" } },
      { param: "controller[requirement_collection]" },
    ],
    [
      "a recipient's terms, which are not played",
      { tos_acceptance: { service_agreement: "recipient" } },
      { param: "tos_acceptance[service_agreement]" },
    ],
    ["a bank account, which is not played", { external_account: "btok_1" }, { code: "parameter_unknown" }],
  ])("with %s is refused", async (_what, params, error) => {
    await withSandbox(async ({ stripe }) => {
      expect(await errorOf(stripe.accounts.create(params))).toMatchObject({ statusCode: 400, ...error });
      expect((await stripe.accounts.list()).data).toEqual([]);
    });
  });

  it("is listed page by page, newest first", async () => {
    await withSandbox(async ({ stripe }) => {
      const ids: string[] = [];
      for (let count = 0; count < 5; count++) ids.unshift((await stripe.accounts.create()).id);
      const first = await stripe.accounts.list({ limit: 2 });
      expect([first.data.map(({ id }) => id), first.has_more]).toEqual([ids.slice(0, 2), true]);
      const all = await stripe.accounts.list({ limit: 2 }).autoPagingToArray({ limit: 10 });
      expect(all.map(({ id }) => id)).toEqual(ids);
      await stripe.accounts.del(ids[0] ?? "");
      expect((await stripe.accounts.list()).data.map(({ id }) => id)).toEqual(ids.slice(1));
    });
  });
});

type Turn = [outcome: string, shown: object, capability: object];

describe("an onboarding that ends as", () => {
  const active = { card_payments: "active", transfers: "active" };
  const inactive = { card_payments: "inactive", transfers: "inactive" };
  it.each<Turn>([
    [
      "done",
      {
        charges_enabled: true,
        payouts_enabled: true,
        details_submitted: true,
        capabilities: active,
        requirements: { currently_due: [], past_due: [], disabled_reason: null },
      },
      { status: "active", requirements: { disabled_reason: null } },
    ],
    [
      "more_due",
      {
        charges_enabled: false,
        payouts_enabled: false,
        details_submitted: true,
        capabilities: inactive,
        requirements: {
          currently_due: ["individual.verification.document"],
          disabled_reason: "requirements.past_due",
          errors: [{ code: "verification_document_not_readable" }],
        },
      },
      { status: "inactive", requirements: { disabled_reason: "requirements.fields_needed" } },
    ],
    [
      "pending",
      {
        charges_enabled: false,
        details_submitted: true,
        capabilities: { card_payments: "pending" },
        requirements: { pending_verification: ["individual.verification.document"], currently_due: [] },
      },
      { status: "pending", requirements: { disabled_reason: "pending.review" } },
    ],
    [
      "rejected",
      {
        charges_enabled: false,
        payouts_enabled: false,
        details_submitted: true,
        requirements: { disabled_reason: "rejected.other", currently_due: [] },
      },
      { status: "inactive", requirements: { disabled_reason: "rejected.other" } },
    ],
    ["left", { charges_enabled: false, details_submitted: false, capabilities: inactive }, { status: "inactive" }],
  ])("%s shows so, and tells the platform", async (outcome, shown, capability) => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ sandbox, stripe }) => {
          const capabilities = { card_payments: { requested: true }, transfers: { requested: true } };
          const { id } = await stripe.accounts.create({ type: "express", capabilities });
          await until("the requests", () => (received.length === 2 ? true : undefined));
          const answer = await control(sandbox, "POST", "/onboard", { account: id, outcome });
          expect(answer).toMatchObject({ status: 200, body: shown });
          expect(await stripe.accounts.retrieve(id)).toMatchObject(shown);
          const listed = await stripe.accounts.listCapabilities(id);
          expect(listed.data.map((one) => one.id)).toEqual(["card_payments", "transfers"]);
          expect(await stripe.accounts.retrieveCapability(id, "card_payments")).toMatchObject({
            account: id,
            requested: true,
            ...capability,
          });
          const events = await stripe.events.list({}, { stripeAccount: id });
          expect(events.data.every(({ account }) => account === id)).toBe(true);
          const types = events.data.map(({ type }) => type).toReversed();
          const requests = ["capability.updated", "capability.updated"];
          const isMoved = outcome === "done" || outcome === "pending";
          const turn = [...(isMoved ? requests : []), ...(outcome === "left" ? [] : ["account.updated"])];
          expect(types).toEqual([...requests, ...turn]);
          await until("the webhooks", () => (received.length === types.length ? true : undefined));
          if (outcome !== "done") return;
          expect(events.data[0]?.data.previous_attributes).toMatchObject({ charges_enabled: false });
          expect(events.data[1]?.data).toMatchObject({
            object: { object: "capability", status: "active" },
            previous_attributes: { status: "inactive" },
          });
        },
        { webhook: { url, secret, connect: true } },
      );
    });
  });

  it("done asks for what the account's dashboard has on, where nobody asked", async () => {
    await withSandbox(async (around) => {
      const standard = await around.stripe.accounts.retrieve(await connectedAccount(around));
      expect(standard.capabilities).toMatchObject({ sepa_debit_payments: "active", transfers: "active" });
      const express = await around.stripe.accounts.retrieve(await connectedAccount(around, { type: "express" }));
      expect(express.capabilities).toEqual({ card_payments: "active", transfers: "active" });
    });
  });

  it.each([
    [404, { account: "acct_1Nowhere", outcome: "done" }],
    [400, { account: "acct_1Nowhere", outcome: "well" }],
    [400, { outcome: "done" }],
  ])("is refused with %i for %j", async (status, order) => {
    await withSandbox(async ({ sandbox }) => {
      expect((await control(sandbox, "POST", "/onboard", order)).status).toBe(status);
    });
  });
});

describe("an account in good standing", () => {
  it("has a deadline for a later requirement, is disabled past it, and recovers", async () => {
    await withSandbox(async (around) => {
      const { sandbox, stripe } = around;
      const id = await connectedAccount(around);
      const turn = (outcome: string) => control(sandbox, "POST", "/onboard", { account: id, outcome });
      await turn("due_later");
      const later = await stripe.accounts.retrieve(id);
      expect(later).toMatchObject({ charges_enabled: true, requirements: { past_due: [], disabled_reason: null } });
      expect(later.requirements?.current_deadline).toBeGreaterThan(later.created ?? 0);
      await turn("disabled");
      expect(await stripe.accounts.retrieve(id)).toMatchObject({
        charges_enabled: false,
        payouts_enabled: false,
        requirements: { current_deadline: null, disabled_reason: "requirements.past_due" },
      });
      await turn("done");
      expect(await stripe.accounts.retrieve(id)).toMatchObject({ charges_enabled: true, payouts_enabled: true });
    });
  });

  it("takes a further capability at once, and gives one up", async () => {
    await withSandbox(async (around) => {
      const { stripe } = around;
      const id = await connectedAccount(around, { type: "express" });
      const unrequested = await stripe.accounts.retrieveCapability(id, "link_payments");
      expect(unrequested).toMatchObject({ requested: false, requested_at: null, status: "unrequested" });
      const taken = await stripe.accounts.updateCapability(id, "link_payments", { requested: true });
      expect(taken).toMatchObject({ requested: true, status: "active" });
      expect(taken.requested_at).toBeGreaterThan(0);
      expect((await stripe.accounts.retrieveCapability(id, "link_payments")).requested_at).toBe(taken.requested_at);
      await stripe.accounts.update(id, { capabilities: { card_payments: { requested: false } } });
      expect(await stripe.accounts.retrieve(id)).toMatchObject({
        capabilities: { link_payments: "active", transfers: "active" },
        charges_enabled: true,
      });
      await stripe.accounts.updateCapability(id, "link_payments", { requested: false });
      expect(await stripe.accounts.retrieve(id)).toMatchObject({
        capabilities: { transfers: "active" },
        charges_enabled: false,
        payouts_enabled: true,
      });
      const unknown = stripe.accounts.retrieveCapability(id, "flying");
      expect(await errorOf(unknown)).toMatchObject({ statusCode: 404, code: "resource_missing" });
    });
  });
});

describe("a rejection", () => {
  it.each([
    ["fraud", "rejected.platform_fraud"],
    ["fraud_other", "rejected.platform_fraud"],
    ["terms_of_service", "rejected.platform_terms_of_service"],
    ["other", "rejected.platform_other"],
  ] as const)("for %s disables the account as %s, once", async (reason, disabled_reason) => {
    await withSandbox(async (around) => {
      const id = await connectedAccount(around, { type: "express" });
      const rejected = await around.stripe.accounts.reject(id, { reason });
      expect(rejected).toMatchObject({
        charges_enabled: false,
        payouts_enabled: false,
        requirements: { disabled_reason },
      });
      expect(await errorOf(around.stripe.accounts.reject(id, { reason }))).toMatchObject({ statusCode: 400 });
      const [event] = (await around.stripe.events.list({ type: "account.updated" }, { stripeAccount: id })).data;
      expect(event?.data.object).toMatchObject({ requirements: { disabled_reason } });
    });
  });

  it.each([
    ["of an account whose losses are Stripe's", { type: "standard" }, { reason: "fraud" }],
    ["for no known reason", { type: "express" }, { reason: "boredom" }],
    ["that leaves payouts on, which is not played", { type: "express" }, { reason: "other", payouts_action: "none" }],
  ] as const)("%s is refused", async (_what, params, order) => {
    await withSandbox(async (around) => {
      const id = await connectedAccount(around, params);
      expect(await errorOf(around.stripe.accounts.reject(id, order))).toMatchObject({ statusCode: 400 });
      expect((await around.stripe.accounts.retrieve(id)).charges_enabled).toBe(true);
    });
  });
});

describe("a payment on an account", () => {
  it.each(["left", "more_due", "pending", "rejected"])("whose onboarding ended as %s is refused", async (outcome) => {
    await withSandbox(async (around) => {
      const stripeAccount = await connectedAccount(around, { type: "express" }, outcome);
      const there = clientOf(around.sandbox, { stripeAccount });
      const refused = { statusCode: 400, message: "Your account cannot currently make charges." };
      expect(await errorOf(there.paymentIntents.create(cardPayment()))).toMatchObject(refused);
      const { id } = await there.paymentIntents.create({
        amount: 500,
        currency: "usd",
        payment_method: "pm_card_visa",
      });
      const confirming = there.paymentIntents.confirm(id, { return_url: "https://shop.test" });
      expect(await errorOf(confirming)).toMatchObject(refused);
      expect((await there.charges.list()).data).toEqual([]);
      await control(around.sandbox, "POST", "/onboard", { account: stripeAccount, outcome: "done" });
      const paid = await there.paymentIntents.confirm(id, { return_url: "https://shop.test" });
      expect(paid.status).toBe("succeeded");
    });
  });
});

describe("an account that leaves", () => {
  it.each([
    ["by deletion", async ({ stripe }: Surroundings, account: string) => void (await stripe.accounts.del(account))],
    [
      "by the platform's word",
      async ({ stripe }: Surroundings, stripe_user_id: string) =>
        void (await stripe.oauth.deauthorize({ client_id: "ca_sandbox_platform", stripe_user_id })),
    ],
    [
      "in its dashboard",
      async ({ sandbox }: Surroundings, account: string) =>
        void (await control(sandbox, "POST", "/deauthorize", { account })),
    ],
  ])("%s tells the platform, and nobody hears of it any more", async (_how, leave) => {
    await withReceiver(async (own) => {
      await withReceiver(async ({ url, received }) => {
        await withSandbox(
          async (around) => {
            const { sandbox, stripe } = around;
            const account = await connectedAccount(around);
            const there = clientOf(sandbox, { stripeAccount: account });
            await there.webhookEndpoints.create({ url: own.url, enabled_events: ["payment_intent.succeeded"] });
            const debit = await there.paymentIntents.create(debitPayment());
            await leave(around, account);
            const left = await until("the event", () =>
              received.map(({ event }) => event).find(({ type }) => type === "account.application.deauthorized"),
            );
            expect(left).toMatchObject({
              account,
              data: { object: { object: "application", id: "ca_sandbox_platform" } },
            });
            // The payment goes on in the account without the platform.
            const settled = await control(sandbox, "POST", "/settle", { id: debit.id });
            expect(settled).toMatchObject({ status: 200, body: { status: "succeeded" } });
            await control(sandbox, "POST", "/clock", { advanceMs: 60_000 });
            const types = received.map(({ event }) => event.type);
            expect(types).toContain("payment_intent.processing");
            expect(types).not.toContain("payment_intent.succeeded");
            // A webhook that was lost can still be brought to those who should have had it.
            expect((await control(sandbox, "POST", `/events/${left.id}/deliver`)).status).toBe(200);
            expect(received.filter(({ event }) => event.id === left.id)).toHaveLength(2);
            expect(own.received).toEqual([]);
            expect((await stripe.accounts.list()).data).toEqual([]);
            expect(await errorOf(there.paymentIntents.retrieve(debit.id))).toMatchObject({ code: "account_invalid" });
          },
          { webhook: { url, secret, connect: true }, settlementDelayMs: 60_000 },
        );
      });
    });
  });

  it("can't leave twice, nor without a dashboard", async () => {
    await withSandbox(async (around) => {
      const { sandbox } = around;
      const leave = async (account: string) => (await control(sandbox, "POST", "/deauthorize", { account })).status;
      const account = await connectedAccount(around);
      expect([await leave(account), await leave(account), await leave("acct_1Nowhere")]).toEqual([200, 409, 404]);
      expect(await leave(await connectedAccount(around, { type: "custom" }))).toBe(409);
      const { data } = await around.stripe.accounts.list();
      expect(data.map(({ type }) => type)).toEqual(["custom"]);
    });
  });
});

it("payments of one account settle beside another's", async () => {
  await withSandbox(async (around) => {
    const accounts = [await connectedAccount(around), await connectedAccount(around)];
    for (const stripeAccount of accounts) {
      const there = clientOf(around.sandbox, { stripeAccount });
      const { id } = await there.paymentIntents.create(debitPayment());
      expect((await untilStatus(there, id, "succeeded")).amount).toBe(1099);
      expect((await there.paymentIntents.list()).data).toHaveLength(1);
    }
  });
});
