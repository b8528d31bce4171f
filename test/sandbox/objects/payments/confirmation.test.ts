import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  cardPayment,
  control,
  debitPayment,
  errorOf,
  eventTypes,
  untilStatus,
  withSandbox,
} from "../../surroundings.ts";

describe("a card payment", () => {
  it("succeeds, with its charge, and posts the balance a moment later", async () => {
    await withSandbox(async ({ stripe }) => {
      const payment = await stripe.paymentIntents.create({ ...cardPayment(), expand: ["latest_charge"] });
      expect(payment).toMatchObject({
        status: "succeeded",
        amount_received: 1099,
        livemode: false,
        client_secret: expect.stringMatching(/^pi_\w+_secret_/),
        payment_method: expect.stringMatching(/^pm_/),
        latest_charge: { status: "succeeded", paid: true, captured: true, balance_transaction: null },
      });
      expect(await eventTypes(stripe)).toEqual([
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_intent.created",
      ]);
      const events = await stripe.events.list({ type: "payment_intent.created" });
      expect(events.data[0]?.data.object).toMatchObject({ status: "requires_payment_method", payment_method: null });
      expect(events.data[0]).toMatchObject({ request: { id: payment.lastResponse.requestId } });

      const id = typeof payment.latest_charge === "object" ? (payment.latest_charge?.id ?? "") : "";
      await expect.poll(async () => (await stripe.charges.retrieve(id)).balance_transaction).toMatch(/^txn_/);
      expect(await eventTypes(stripe)).toContain("charge.updated");
    });
  });

  it.each([
    ["pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later", "01"],
    ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later", "01"],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later", "51"],
    ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again", "41"],
    ["pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again", "43"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card", undefined, "do_not_try_again", "54"],
    ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined, "confirm_card_data", "N7"],
    ["pm_card_chargeDeclinedProcessingError", "processing_error", undefined, "try_again_later", "96"],
    [
      "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
      "card_declined",
      "card_velocity_exceeded",
      "try_again_later",
      "65",
    ],
    ["pm_card_chargeCustomerFail", "card_declined", "generic_decline", "try_again_later", "01"],
    ["pm_card_radarBlock", "card_declined", "fraudulent", "do_not_try_again", undefined],
  ])(
    "with %s is declined, and its PaymentIntent and charge remain",
    async (method, code, declineCode, advice, network) => {
      await withSandbox(async ({ stripe }) => {
        const error = await errorOf(stripe.paymentIntents.create(cardPayment(method)));
        expect(error).toMatchObject({
          statusCode: 402,
          rawType: "card_error",
          code,
          doc_url: expect.stringContaining("docs"),
        });
        // The client shows an absent code as an empty one.
        expect(error.decline_code).toBe(declineCode ?? "");
        expect([error.advice_code, error.network_decline_code ?? undefined]).toEqual([advice, network]);
        expect(error.payment_intent).toMatchObject({ status: "requires_payment_method", amount: 1099 });
        const id = error.payment_intent?.id ?? "";
        const kept = await stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] });
        expect(kept).toMatchObject({
          status: "requires_payment_method",
          payment_method: null,
          last_payment_error: { type: "card_error", code, advice_code: advice, payment_method: { type: "card" } },
          latest_charge: {
            id: error.charge,
            status: "failed",
            failure_code: code,
            paid: false,
            outcome: { advice_code: advice, network_decline_code: network ?? null },
          },
        });
        expect(await eventTypes(stripe)).toEqual([
          "charge.failed",
          "payment_intent.created",
          "payment_intent.payment_failed",
        ]);

        const updated = await stripe.paymentIntents.update(id, { metadata: { looked: "yes" } });
        expect(updated.last_payment_error).toBeNull();
        expect((await stripe.paymentIntents.confirm(id, { payment_method: "pm_card_visa" })).status).toBe("succeeded");
      });
    },
  );

  it("asks the customer when the card wants authentication, who passes or fails", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const params = { ...cardPayment("pm_card_authenticationRequired"), return_url: "https://shop.example/back?a=1" };
      const first = await stripe.paymentIntents.create(params);
      const url = first.next_action?.redirect_to_url?.url ?? "";
      const { origin, pathname, searchParams } = new URL(url);
      expect([origin, pathname]).toEqual([sandbox.url, "/_sandbox/3d_secure_2/hosted"]);
      // https://hooks.stripe.com/3d_secure_2/hosted has the same.
      expect(Object.fromEntries(searchParams)).toEqual({
        merchant: expect.stringMatching(/^acct_/) as string,
        payment_intent: first.id,
        payment_intent_client_secret: first.client_secret,
        publishable_key: expect.stringMatching(/^pk_test_/) as string,
        source: expect.stringMatching(/^payatt_/) as string,
      });
      for (const [name, value] of [
        ["payment_intent_client_secret", `${first.client_secret}x`],
        ["payment_intent_client_secret", ""],
        ["payment_intent", "pi_other"],
      ] as const) {
        const other = new URL(url);
        other.searchParams.set(name, value);
        expect((await fetch(other)).status).toBe(404);
        expect((await fetch(other, { method: "POST", body: "outcome=succeeded" })).status).toBe(404);
      }
      expect(first).toMatchObject({
        status: "requires_action",
        next_action: { type: "redirect_to_url", redirect_to_url: { url, return_url: params.return_url } },
      });
      expect(await eventTypes(stripe)).toEqual(["payment_intent.requires_action", "payment_intent.created"]);
      expect(await (await fetch(url)).text()).toContain("SANDBOX");
      const click = await fetch(url, { method: "POST", redirect: "manual", body: "outcome=succeeded" });
      const back = new URL(click.headers.get("location") ?? "");
      expect(Object.fromEntries(back.searchParams)).toEqual({
        a: "1",
        payment_intent: first.id,
        payment_intent_client_secret: first.client_secret,
        redirect_status: "succeeded",
      });
      expect((await stripe.paymentIntents.retrieve(first.id)).status).toBe("succeeded");

      const second = await stripe.paymentIntents.create(params);
      expect(await control(sandbox, "POST", "/authorize", { id: second.id, outcome: "failed" })).toMatchObject({
        status: 200,
        body: {
          status: "requires_payment_method",
          last_payment_error: { code: "payment_intent_authentication_failure" },
        },
      });
      expect(await control(sandbox, "POST", "/authorize", { id: second.id, outcome: "failed" })).toMatchObject({
        status: 409,
      });
    });
  });

  it.each([
    [{ off_session: true }, "authentication_required"],
    [{ error_on_requires_action: true }, "authentication_not_handled"],
  ])("is declined where nobody is there to authenticate: %j", async (more, declineCode) => {
    await withSandbox(async ({ stripe }) => {
      const call = stripe.paymentIntents.create({ ...cardPayment("pm_card_authenticationRequired"), ...more });
      expect(await errorOf(call)).toMatchObject({
        statusCode: 402,
        code: "authentication_required",
        decline_code: declineCode,
        payment_intent: { status: "requires_payment_method" },
      });
    });
  });

  it("needs a return_url where a redirect is possible", async () => {
    await withSandbox(async ({ stripe }) => {
      const { automatic_payment_methods: _, ...dynamic } = cardPayment();
      expect(await errorOf(stripe.paymentIntents.create(dynamic))).toMatchObject({
        statusCode: 400,
        message: expect.stringContaining("you must provide a `return_url`"),
      });
      const withUrl = await stripe.paymentIntents.create({ ...dynamic, return_url: "https://shop.example" });
      expect(withUrl.status).toBe("succeeded");
    });
  });

  it("is held with manual capture, captured in part, and the rest released", async () => {
    await withSandbox(async ({ stripe }) => {
      const held = await stripe.paymentIntents.create({
        ...cardPayment(),
        capture_method: "manual",
        expand: ["latest_charge"],
      });
      expect(held).toMatchObject({ status: "requires_capture", amount_capturable: 1099, amount_received: 0 });
      expect(held.latest_charge).toMatchObject({
        captured: false,
        payment_method_details: { card: { capture_before: expect.any(Number) } },
      });
      expect(await errorOf(stripe.paymentIntents.capture(held.id, { amount_to_capture: 2000 }))).toMatchObject({
        code: "amount_too_large",
      });
      // More than one capture is a feature that accounts ask Stripe for.
      expect(held.latest_charge).toMatchObject({
        payment_method_details: { card: { multicapture: { status: "unavailable" } } },
      });
      const unfinished = { amount_to_capture: 500, final_capture: false };
      expect(await errorOf(stripe.paymentIntents.capture(held.id, unfinished))).toMatchObject({
        param: "final_capture",
        payment_intent: { status: "requires_capture", amount_capturable: 1099 },
      });
      const params = { amount_to_capture: 1000, expand: ["latest_charge"] };
      expect(await stripe.paymentIntents.capture(held.id, params)).toMatchObject({
        status: "succeeded",
        amount_capturable: 0,
        amount_received: 1000,
        latest_charge: { amount_captured: 1000, amount_refunded: 0, captured: true },
      });
      expect(await errorOf(stripe.paymentIntents.capture(held.id))).toMatchObject({
        code: "payment_intent_unexpected_state",
      });
      expect(await eventTypes(stripe)).toEqual(
        expect.arrayContaining([
          "payment_intent.amount_capturable_updated",
          "charge.captured",
          "payment_intent.succeeded",
        ]),
      );
    });
  });
});

describe("the largest and the smallest amount", () => {
  it("are those of the payment method, where they are not the currency's", async () => {
    await withSandbox(async ({ stripe }) => {
      const large = { amount: 150_000_000, currency: "idr" };
      expect(await stripe.paymentIntents.create({ ...cardPayment(), ...large })).toMatchObject({
        status: "succeeded",
        amount_received: 150_000_000,
      });
      const debit = stripe.paymentIntents.create({ ...debitPayment(), amount: 100_000_000 });
      expect(await errorOf(debit)).toMatchObject({ code: "amount_too_large" });
      const { id: method } = await stripe.paymentMethods.create({ type: "ideal" });
      const cent = {
        amount: 1,
        currency: "eur",
        payment_method: method,
        automatic_payment_methods: { enabled: true },
        return_url: "https://shop.example",
      };
      const small = await stripe.paymentIntents.create({ ...cardPayment(), ...cent });
      expect(small).toMatchObject({ status: "requires_action", amount: 1 });
      expect(await stripe.paymentIntents.update(small.id, { metadata: { a: "b" } })).toMatchObject({ amount: 1 });
      const byCard = stripe.paymentIntents.create({ ...cardPayment(), amount: 1, currency: "eur" });
      expect(await errorOf(byCard)).toMatchObject({ code: "amount_too_small" });
    });
  });

  it("are looked at again when the payment method comes later", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create({ amount: 100_000_000, currency: "usd" });
      const late = stripe.paymentIntents.confirm(id, {
        payment_method: "pm_usBankAccount_success",
        return_url: "https://shop.example",
      });
      expect(await errorOf(late)).toMatchObject({ code: "amount_too_large" });
    });
  });
});

const heldForSeveral = async (stripe: Stripe) =>
  await stripe.paymentIntents.create({
    ...cardPayment(),
    capture_method: "manual",
    payment_method_options: { card: { request_multicapture: "if_available" } },
  });

describe("several captures", () => {
  it("add up, can be given back before the last, and a final one of nothing releases the rest", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await heldForSeveral(stripe);
      const capture = async (amount_to_capture: number, final_capture: boolean) =>
        await stripe.paymentIntents.capture(id, { amount_to_capture, final_capture, expand: ["latest_charge"] });
      expect(await errorOf(capture(0, true))).toMatchObject({ param: "amount_to_capture" });
      expect(await capture(600, false)).toMatchObject({
        status: "requires_capture",
        amount_capturable: 499,
        amount_received: 600,
        latest_charge: {
          amount_captured: 600,
          captured: false,
          payment_method_details: { card: { multicapture: { status: "available" } } },
        },
      });
      expect(await capture(100, false)).toMatchObject({ amount_capturable: 399, amount_received: 700 });
      expect(await errorOf(capture(0, false))).toMatchObject({ param: "amount_to_capture" });
      expect(await stripe.refunds.create({ payment_intent: id, amount: 200 })).toMatchObject({ status: "succeeded" });
      expect(await errorOf(stripe.refunds.create({ payment_intent: id, amount: 501 }))).toMatchObject({
        param: "amount",
      });
      expect(await capture(0, true)).toMatchObject({
        status: "succeeded",
        amount_capturable: 0,
        amount_received: 700,
        latest_charge: { amount_captured: 700, amount_refunded: 200, captured: true, refunded: false },
      });
      expect((await stripe.refunds.create({ payment_intent: id })).amount).toBe(500);
    });
  });

  it("end with the authorization, which closes the payment with what was captured", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const { id } = await heldForSeveral(stripe);
      await stripe.paymentIntents.capture(id, { amount_to_capture: 600, final_capture: false });
      await fetch(`${sandbox.url}/_sandbox/clock`, { method: "POST", body: '{"advanceMs": 691200000}' });
      expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({ status: "succeeded", amount_received: 600 });
    });
  });
});

describe("the part of an authorization that was not captured", () => {
  it.each([
    ["2024-06-20", [499]],
    ["2025-03-31.basil", []],
  ])("captured by a program of %s is listed as refunds of %s", async (apiVersion, amounts) => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create({ ...cardPayment(), capture_method: "manual" });
      await stripe.paymentIntents.capture(id, { amount_to_capture: 600 }, { apiVersion });
      expect((await stripe.refunds.list({ payment_intent: id })).data.map(({ amount }) => amount)).toEqual(amounts);
      expect(await stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] })).toMatchObject({
        latest_charge: { amount_captured: 600, amount_refunded: 0 },
      });
    });
  });
});

describe("a bank debit", () => {
  it.each(["pm_usBankAccount_success", "pm_sepaDebit_success_at", "pm_sepaDebit_success_de"])(
    "with %s is processing first and succeeds later",
    async (method) => {
      await withSandbox(async ({ stripe }) => {
        const payment = await stripe.paymentIntents.create({ ...debitPayment(method), expand: ["latest_charge"] });
        expect(payment).toMatchObject({ status: "processing", latest_charge: { status: "pending", paid: false } });
        expect((await eventTypes(stripe)).slice(0, 3)).toEqual([
          "payment_intent.created",
          "payment_intent.processing",
          "charge.pending",
        ]);
        const settled = await untilStatus(stripe, payment.id, "succeeded");
        expect(settled).toMatchObject({ amount_received: 1099, latest_charge: { status: "succeeded", paid: true } });
        expect((await eventTypes(stripe)).slice(3, 5)).toEqual(["charge.succeeded", "payment_intent.succeeded"]);
      });
    },
  );

  it.each([
    ["pm_usBankAccount_accountClosed", "account_closed"],
    ["pm_usBankAccount_noAccount", "no_account"],
    ["pm_usBankAccount_insufficientFunds", "insufficient_funds"],
    ["pm_usBankAccount_debitNotAuthorized", "debit_not_authorized"],
    ["pm_usBankAccount_weeklyLimitExceeded", "charge_exceeds_source_limit"],
    ["pm_sepaDebit_failed_de", "generic_could_not_process"],
    ["pm_sepaDebit_failedDelayed_at", "generic_could_not_process"],
    ["pm_sepaDebit_insufficientFunds_at", "insufficient_funds"],
    ["pm_sepaDebit_exceedsWeeklyVolumeLimit_de", "charge_exceeds_source_limit"],
  ])("with %s fails later with %s", async (method, code) => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(debitPayment(method));
      expect(await untilStatus(stripe, id, "requires_payment_method")).toMatchObject({
        payment_method: null,
        last_payment_error: { code, message: expect.any(String) },
        latest_charge: { status: "failed", failure_code: code, outcome: { reason: code } },
      });
      expect((await eventTypes(stripe)).slice(3)).toEqual(["charge.failed", "payment_intent.payment_failed"]);
    });
  });

  it("is refused without a mandate, in the wrong currency, and with manual capture", async () => {
    await withSandbox(async ({ stripe }) => {
      const attempt = (change: object) => errorOf(stripe.paymentIntents.create({ ...debitPayment(), ...change }));
      const { mandate_data: _, ...bare } = debitPayment();
      expect(await errorOf(stripe.paymentIntents.create(bare))).toMatchObject({
        statusCode: 400,
        param: "mandate_data",
        message: expect.stringContaining("requires a mandate"),
      });
      expect(await attempt({ currency: "eur" })).toMatchObject({ statusCode: 400, param: "currency" });
      expect(await attempt({ capture_method: "manual" })).toMatchObject({ statusCode: 400, param: "capture_method" });
      expect(
        await attempt({ mandate_data: { customer_acceptance: { type: "online", online: { ip_address: "1.2.3.4" } } } }),
      ).toMatchObject({
        code: "parameter_missing",
        param: "mandate_data[customer_acceptance][online][user_agent]",
      });
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
    });
  });

  it("that never settles can be cancelled, another can't", async () => {
    await withSandbox(
      async ({ stripe }) => {
        const forever = await stripe.paymentIntents.create(debitPayment("pm_usBankAccount_processing"));
        expect(await stripe.paymentIntents.cancel(forever.id)).toMatchObject({ status: "canceled" });
        const ordinary = await stripe.paymentIntents.create(debitPayment());
        expect(await errorOf(stripe.paymentIntents.cancel(ordinary.id))).toMatchObject({
          statusCode: 400,
          code: "payment_intent_unexpected_state",
          payment_intent: { id: ordinary.id, status: "processing" },
        });
      },
      { settlementDelayMs: 60_000 },
    );
  });

  it("settles on command, either way, and only once", async () => {
    await withSandbox(
      async ({ stripe, sandbox }) => {
        const settle = async (id: string, outcome?: string) =>
          await control(sandbox, "POST", "/settle", { id, ...(outcome && { outcome }) });
        const paid = await stripe.paymentIntents.create(debitPayment("pm_usBankAccount_processing"));
        expect(await settle(paid.id)).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await settle(paid.id)).toMatchObject({ status: 409, body: { error: { message: expect.any(String) } } });
        const failed = await stripe.paymentIntents.create(debitPayment());
        expect(await settle(failed.id, "failed")).toMatchObject({ body: { status: "requires_payment_method" } });
        expect(await settle("pi_unknown")).toMatchObject({ status: 404 });
      },
      { settlementDelayMs: 60_000 },
    );
  });

  it("that is disputed shows it on its charge", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(debitPayment("pm_usBankAccount_dispute"));
      const charge = (await untilStatus(stripe, id, "succeeded")).latest_charge;
      const chargeId = typeof charge === "object" ? (charge?.id ?? "") : "";
      await expect.poll(async () => (await stripe.charges.retrieve(chargeId)).disputed).toBe(true);
      expect(await errorOf(stripe.refunds.create({ payment_intent: id }))).toMatchObject({ code: "charge_disputed" });
    });
  });
});

describe("a redirect method", () => {
  it("is refused where redirects are not allowed, and pays after the customer's visit where they are", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const ideal = (await stripe.paymentMethods.create({ type: "ideal" })).id;
      expect(await errorOf(stripe.paymentIntents.create({ ...cardPayment(ideal), currency: "eur" }))).toMatchObject({
        code: "payment_intent_incompatible_payment_method",
      });
      const params = {
        ...cardPayment(ideal),
        currency: "eur",
        automatic_payment_methods: { enabled: true },
        return_url: "https://shop.example",
      };
      const payment = await stripe.paymentIntents.create(params);
      expect(payment.status).toBe("requires_action");
      expect(await control(sandbox, "POST", "/authorize", { id: payment.id, outcome: "succeeded" })).toMatchObject({
        body: { status: "succeeded" },
      });
      const another = (await stripe.paymentMethods.create({ type: "ideal" })).id;
      const abandoned = await stripe.paymentIntents.create({ ...params, payment_method: another });
      expect(await control(sandbox, "POST", "/authorize", { id: abandoned.id, outcome: "failed" })).toMatchObject({
        body: { last_payment_error: { code: "payment_intent_payment_attempt_failed" } },
      });
    });
  });

  it.each([
    ["klarna", { payment_method_category: "pay_later" }],
    ["ideal", { bank: null, iban_last4: null }],
    ["bancontact", { preferred_language: "en" }],
    ["eps", { verified_name: null }],
    ["p24", { reference: null }],
    ["sofort", { bank_code: null }],
  ] as const)("of type %s shows itself on the PaymentMethod and the charge", async (type, charged) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const { id } = await stripe.paymentIntents.create({
        amount: 1099,
        currency: "eur",
        confirm: true,
        payment_method_data: { type },
        return_url: "https://shop.example",
      });
      await control(sandbox, "POST", "/authorize", { id, outcome: "succeeded" });
      const paid = await untilStatus(stripe, id, "succeeded");
      expect(paid.latest_charge).toMatchObject({ payment_method_details: { type, [type]: charged } });
      const method = await stripe.paymentMethods.retrieve(paid.payment_method as string);
      expect(method).toMatchObject({ type, [type]: {} });
    });
  });
});
