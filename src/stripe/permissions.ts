/**
 * What a restricted key must be allowed to do, and how to find out without doing it.
 *
 * Stripe checks a key's permissions for the endpoint before it looks for the object, so a request about an object that cannot
 * exist tells the one from the other: 403 where the permission is missing, 404 where it is there. That is harmless, because no
 * id that Stripe gives out has this form, and because each probe is a change of one object that must exist: none of them could
 * create anything. Reads ask for a list of one.
 * https://docs.stripe.com/keys/restricted-api-keys
 */
import type { Stripe } from "stripe";
import { createStripeClient, type StripeTarget } from "./client.ts";
import { meaningOf } from "./errorMeaning.ts";

type PermissionNeed = {
  /** As Stripe's dashboard names it. */
  readonly resource: string;
  readonly access: "read" | "write";
  /** Handlers that cannot do their work without it, as `service/handler` or as a whole service. */
  readonly neededBy: readonly string[];
  readonly probe: (stripe: Stripe, limits: Stripe.RequestOptions) => Promise<unknown>;
};

export type PermissionAnswer = {
  readonly need: Pick<PermissionNeed, "resource" | "access" | "neededBy">;
  readonly answer: "granted" | "missing" | "unknown";
};

const nobody = "restate_doctor_no_such_object";
const oneOnly = { limit: 1 };
const noChange = { metadata: {} };

const payments = [
  "payments/processPayment",
  "payments/awaitPayment",
  "payments/capturePayment",
  "payments/cancelPayment",
  "paymentReference",
];
const readers = ["payments/getPayment", "paymentNotifier"];
const setups = ["payments/setupPaymentMethod", "payments/awaitSetup", "setupWatcher"];
const disputeCalls = ["payments/submitDisputeEvidence", "payments/acceptDispute", "payments/getDispute"];

const permissionNeeds: readonly PermissionNeed[] = [
  {
    resource: "PaymentIntents",
    access: "write",
    neededBy: [...payments, "paymentWatcher"],
    probe: (stripe, limits) => stripe.paymentIntents.update(`pi_${nobody}`, noChange, limits),
  },
  {
    resource: "PaymentIntents",
    access: "read",
    neededBy: [...payments, ...readers, "paymentWatcher"],
    probe: (stripe, limits) => stripe.paymentIntents.list(oneOnly, limits),
  },
  {
    resource: "Charges",
    access: "read",
    neededBy: [...payments, ...readers, "payments/refundPayment"],
    probe: (stripe, limits) => stripe.charges.list(oneOnly, limits),
  },
  {
    resource: "Refunds",
    access: "write",
    neededBy: ["payments/refundPayment", "payments/awaitRefund", "payments/cancelPayment", "paymentWatcher"],
    probe: (stripe, limits) => stripe.refunds.update(`re_${nobody}`, noChange, limits),
  },
  {
    resource: "Refunds",
    access: "read",
    neededBy: [
      "payments/refundPayment",
      "payments/awaitRefund",
      "payments/cancelPayment",
      "paymentNotifier",
      "paymentReference",
    ],
    probe: (stripe, limits) => stripe.refunds.list(oneOnly, limits),
  },
  {
    resource: "Checkout Sessions",
    access: "write",
    neededBy: ["payments/cancelPayment"],
    probe: (stripe, limits) => stripe.checkout.sessions.expire(`cs_${nobody}`, {}, limits),
  },
  {
    resource: "SetupIntents",
    access: "write",
    neededBy: setups,
    probe: (stripe, limits) => stripe.setupIntents.cancel(`seti_${nobody}`, {}, limits),
  },
  {
    resource: "PaymentMethods",
    access: "write",
    neededBy: ["payments/setupPaymentMethod"],
    probe: (stripe, limits) => stripe.paymentMethods.detach(`pm_${nobody}`, {}, limits),
  },
  {
    resource: "Customers",
    access: "write",
    neededBy: ["payments/createCustomer", "payments/setupPaymentMethod"],
    probe: (stripe, limits) => stripe.customers.update(`cus_${nobody}`, noChange, limits),
  },
  {
    resource: "Customers",
    access: "read",
    neededBy: ["payments/createCustomer", "payments/getCustomer"],
    probe: (stripe, limits) => stripe.customers.list(oneOnly, limits),
  },
  {
    resource: "Disputes",
    access: "write",
    neededBy: disputeCalls,
    // Without `submit: false`, evidence would be sent with any update.
    probe: (stripe, limits) => stripe.disputes.update(`du_${nobody}`, { submit: false }, limits),
  },
  {
    resource: "Disputes",
    access: "read",
    neededBy: [...disputeCalls, "paymentNotifier", "paymentReference"],
    probe: (stripe, limits) => stripe.disputes.list(oneOnly, limits),
  },
  {
    resource: "Early Fraud Warnings",
    access: "read",
    neededBy: ["paymentNotifier"],
    probe: (stripe, limits) => stripe.radar.earlyFraudWarnings.list(oneOnly, limits),
  },
  {
    resource: "Events",
    access: "read",
    neededBy: ["webhookReconciler"],
    probe: (stripe, limits) => stripe.events.list(oneOnly, limits),
  },
];

/** Secret keys may do everything; restricted ones what they were given. https://docs.stripe.com/keys */
export function isRestricted(secretKey: string): boolean {
  return secretKey.startsWith("rk_");
}

/** Tries every permission, one after the other: a test account takes 25 requests a second. */
export async function probePermissions(target: StripeTarget): Promise<readonly PermissionAnswer[]> {
  const stripe = createStripeClient(target);
  const answers: PermissionAnswer[] = [];
  for (const { probe, ...need } of permissionNeeds) {
    answers.push({ need, answer: await answerOf(() => probe(stripe, { timeout: probeTimeoutMs })) });
  }
  return answers;
}

const probeTimeoutMs = 15_000;

async function answerOf(probe: () => Promise<unknown>): Promise<PermissionAnswer["answer"]> {
  try {
    await probe();
    return "granted";
  } catch (error) {
    const meaning = meaningOf(error);
    if (meaning.kind === "operator") return meaning.problem === "forbidden" ? "missing" : "unknown";
    return meaning.kind === "missing" || meaning.kind === "refused" ? "granted" : "unknown";
  }
}
