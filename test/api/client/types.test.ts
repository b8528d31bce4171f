/** What the compiler lets a caller of the client write. Most of it is checked by `tsc`: nothing here is sent. */
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  PaymentsClient,
  PaymentsError,
  type PaymentsErrorReason,
  type PaymentsServices,
} from "../../../src/api/client.ts";
import type { services } from "../../../src/api/calls.ts";
import type { FailureReason, PaymentOutcome, ProcessPaymentRequest } from "../../../src/api/callTypes.ts";
import { edgeFailureReasons, type EdgeFailureReason } from "../../../src/api/edgeFailures.ts";
import { failureReasonSchema } from "../../../src/api/failures.ts";

/** Never called: for the compiler alone. */
type Compiled = (client: PaymentsClient) => unknown;

describe("a call", () => {
  it("has the types of its contract", () => {
    type Payments = PaymentsServices["payments"];
    const { payments } = new PaymentsClient({ url: "http://edge.test" });
    expectTypeOf(payments).toEqualTypeOf<Payments>();
    expectTypeOf<keyof Payments>().toEqualTypeOf<keyof (typeof services)["payments"]>();
    expectTypeOf<Parameters<Payments["processPayment"]>[0]>().toEqualTypeOf<ProcessPaymentRequest>();
    expectTypeOf<ReturnType<Payments["processPayment"]>>().resolves.toEqualTypeOf<PaymentOutcome>();
    expect(payments.processPayment).toBeTypeOf("function");
  });

  it("that moves money needs a key, others do not", () => {
    const compiled: Compiled[] = [
      // @ts-expect-error the key is missing
      (client) => client.payments.processPayment({ paymentMethodId: "pm_1", amount: 1 }),
      // @ts-expect-error the key is missing
      (client) => client.payments.processPayment({ paymentMethodId: "pm_1", amount: 1 }, { timeoutMs: 1 }),
      // @ts-expect-error the key is missing
      (client) => client.payments.refundPayment({ paymentIntentId: "pi_1" }),
      // @ts-expect-error a key that may be missing is no key
      (client) => client.payments.createCustomer({ email: "a@shop.example" }, { idempotencyKey: process.env["ORDER"] }),
      (client) =>
        client.payments.createCustomer({ email: "a@shop.example" }, { idempotencyKey: "customer-1", timeoutMs: 1 }),
      (client) => client.payments.awaitPayment({ paymentIntentId: "pi_1" }),
      (client) => client.payments.awaitPayment({ paymentIntentId: "pi_1" }, { idempotencyKey: "wait-1" }),
      (client) => client.payments.getCustomer({ customerId: "cus_1" }),
      (client) => client.payments.getDispute({ disputeId: "du_1" }, { signal: new AbortController().signal }),
    ];
    expect(compiled.length).toBe(9);
  });

  it("takes only the fields that it has, and answers with its own", () => {
    const key = { idempotencyKey: "order-1" };
    const compiled: Compiled[] = [
      // @ts-expect-error a misspelt field
      (client) => client.payments.processPayment({ paymentMethodId: "pm_1", amuont: 1 }, key),
      // @ts-expect-error an amount is a number
      (client) => client.payments.processPayment({ paymentMethodId: "pm_1", amount: "1" }, key),
      // @ts-expect-error a misspelt option
      (client) => client.payments.getPayment({ paymentIntentId: "pi_1" }, { timeout: 1 }),
      // @ts-expect-error there is no such call
      (client) => client.payments.processPayments({ paymentMethodId: "pm_1", amount: 1 }, key),
      // @ts-expect-error there is no such service
      (client) => client.nothing,
      async (client) => {
        const outcome = await client.payments.processPayment({ paymentMethodId: "pm_1", amount: 1 }, key);
        // @ts-expect-error only requires_action has it
        expectTypeOf(outcome.nextAction);
        return outcome.status === "requires_action" ? outcome.nextAction.redirectUrl : outcome.chargeId;
      },
    ];
    expect(compiled.length).toBe(6);
  });
});

it("A client has a url, and no option besides those it knows", () => {
  const compiled: (() => unknown)[] = [
    // @ts-expect-error the url is missing
    () => new PaymentsClient({ apiKey: "key" }),
    // @ts-expect-error a misspelt option
    () => new PaymentsClient({ url: "http://edge.test", apikey: "key" }),
    () => new PaymentsClient({ url: "http://edge.test", fetch: globalThis.fetch }),
  ];
  expect(compiled.length).toBe(3);
});

describe("a failure", () => {
  it("has the reasons of the calls and of the edge", () => {
    expectTypeOf<PaymentsErrorReason>().toEqualTypeOf<FailureReason | EdgeFailureReason>();
    const reasons: readonly PaymentsErrorReason[] = [...failureReasonSchema.options, ...edgeFailureReasons.options];
    expect(new Set(reasons).size).toBe(reasons.length);
  });

  it("is narrowed by its reason", () => {
    const failure = { status: 402, message: "No.", errors: [], callId: null };
    const declined = new PaymentsError({ ...failure, metadata: { reason: "declined", declineCode: "fraudulent" } });
    expect([tell(declined), tell(new Error("No."))]).toEqual(["fraudulent", "another error"]);
    expect([declined instanceof Error, String(declined)]).toEqual([true, "PaymentsError: No."]);
  });
});

/** As callers write it. */
function tell(error: unknown): string {
  if (!(error instanceof PaymentsError)) return "another error";
  // @ts-expect-error there is no such reason
  if (error.reason === "refused") return "never";
  switch (error.reason) {
    case "declined":
      expectTypeOf(error.reason).toEqualTypeOf<"declined">();
      expectTypeOf(error.metadata.reason).toEqualTypeOf<"declined">();
      return error.metadata.declineCode ?? "no code";
    case "timed_out":
      return error.metadata.compensation ?? "none";
    case "invalid_request":
      return error.errors.map(({ path, message }) => `${path} ${message}`).join();
    case "unknown":
      return error.callId ?? "no id";
    case "balance_insufficient":
    case "canceled":
    case "conflict":
    case "deauthorized":
    case "forbidden":
    case "idempotency_key_reused":
    case "needs_review":
    case "not_found":
    case "rate_limited":
    case "refund_failed":
    case "rejected":
    case "too_large":
    case "unauthorized":
    case "unavailable":
      expectTypeOf(error.reason).toEqualTypeOf<
        Exclude<PaymentsErrorReason, "declined" | "timed_out" | "invalid_request" | "unknown">
      >();
      return error.message;
  }
}
