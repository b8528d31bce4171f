/** Every request that the gateway can send, with arguments of which each is recognizable on the wire. */
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { cannedStripe, failure, type CannedAnswer } from "./cannedStripe.ts";

const metadata = { orderId: "4004" };
const call = { payment_intent: "pi_1" };
const creation = { invocationId: "inv_1", installationId: "in_1", fixedAtMs: 10_800_000 };

/** One request that is sent with a key of its own, fixed just now. */
function fix<Parameters>(stripe: StripeGateway, parameters: Parameters) {
  return stripe.fixRequest(parameters, "key-1");
}

export const requests = {
  createPayment: (stripe) => stripe.createPayment(fix(stripe, { amount: 109, currency: "usd", metadata })),
  readPayment: (stripe) => stripe.readPayment("pi_1"),
  hangDoorbell: (stripe) => stripe.hangDoorbell("pi_1", "restate_callback_id", "sign_1x"),
  noteFailure: (stripe) => stripe.noteFailure("pi_1", failure, "restate_callback_id"),
  noteAbandonment: (stripe) => stripe.noteAbandonment("pi_1", "inv_1", "restate_callback_id"),
  decideAbandonment: (stripe) => stripe.decideAbandonment("pi_1", "inv_1"),
  withdrawAbandonment: (stripe) => stripe.withdrawAbandonment("pi_1"),
  cancelPayment: (stripe) => stripe.cancelPayment("pi_1", "key-1", "requested_by_customer"),
  capturePayment: (stripe) => stripe.capturePayment(fix(stripe, { paymentIntentId: "pi_1", amount_to_capture: 9 })),
  expireSession: (stripe) => stripe.expireSession("pi_1", "key-1"),
  searchPayments: (stripe) => stripe.searchPayments(creation),
  listPayments: (stripe) => stripe.listPayments(creation, "pi_9"),
  listRefunds: (stripe) => stripe.listRefunds("pi_1", null),
  createRefund: (stripe) => stripe.createRefund(fix(stripe, { ...call, amount: 9 })),
  hangRefundDoorbell: (stripe) => stripe.hangRefundDoorbell("re_1", "restate_callback_id", "sign_1x"),
  readRefund: (stripe) => stripe.readRefund("re_1"),
  createSetup: (stripe) => stripe.createSetup(fix(stripe, { customer: "cus_1", metadata })),
  listSetups: (stripe) => stripe.listSetups("cus_1", creation, null),
  listAllSetups: (stripe) => stripe.listSetups(null, creation, null),
  readSetup: (stripe) => stripe.readSetup("seti_1"),
  hangSetupDoorbell: (stripe) => stripe.hangSetupDoorbell("seti_1", "restate_callback_id", "sign_1x"),
  noteSetupFailure: (stripe) => stripe.noteSetupFailure("seti_1", failure, "restate_callback_id"),
  cancelSetup: (stripe) => stripe.cancelSetup("seti_1", "key-1"),
  createCustomer: (stripe) => stripe.createCustomer(fix(stripe, { email: "jenny@example.com" })),
  listCustomers: (stripe) => stripe.listCustomers("jenny@example.com", creation, null),
  readCustomer: (stripe) => stripe.readCustomer("cus_1"),
  readDispute: (stripe) => stripe.readDispute("du_1"),
  submitEvidence: (stripe) =>
    stripe.submitEvidence(fix(stripe, { disputeId: "du_1", evidence: { customerName: "Jenny" }, submit: true })),
  closeDispute: (stripe) => stripe.closeDispute(fix(stripe, { disputeId: "du_1" })),
  noteOnDispute: (stripe) => stripe.noteOnDispute("du_1", "restate_accepted_by", "inv_1"),
  observePayment: (stripe) => stripe.observePayment("pi_1"),
  observeRefunds: (stripe) => stripe.observeRefunds("pi_1", null),
  observeDisputes: (stripe) => stripe.observeDisputes("pi_1", null),
  observeWarnings: (stripe) => stripe.observeWarnings("pi_1", null),
} as const satisfies Readonly<Record<string, (stripe: StripeGateway) => Promise<unknown>>>;
export type Request = keyof typeof requests;
export const names = Object.keys(requests) as readonly Request[];

/** Two hours before 10 800 000 ms: Stripe's clock and ours may disagree. */
export const since = { "created[gte]": "3600", limit: "100" };

/** Sends one request to a Stripe that answers so. */
export async function ask(request: Request, ...answers: readonly CannedAnswer[]) {
  const { url, sent } = await cannedStripe(...answers);
  const stripe = createStripeGateway({ secretKey: "sk_test_canned", apiBase: url });
  const result: unknown = await requests[request](stripe).catch((error: unknown) => error);
  return { result, sent };
}

/** Stripe's answer to a request for a list. */
export function list(...data: readonly object[]): CannedAnswer {
  return { body: { object: "list", url: "/v1/x", has_more: false, data } };
}

/** An object of Stripe's that the invocation `inv_1` made. */
export function stripeObject(object: string, id: string, more: object = {}) {
  return {
    id,
    object,
    created: 3600,
    status: "processing",
    metadata: { restate_invocation_id: "inv_1" },
    ...more,
  };
}
