/**
 * The part of docs/calls.md that no schema says: what a call is for, notes on fields whose schema has no description, and
 * an example. Examples are checked against the schemas.
 */
import type { services } from "../../src/api/calls.ts";
import type { PaymentFailureBody } from "../../src/api/failures.ts";
import { paymentDefaults } from "../../src/payments/contract.ts";

export type CallText = {
  /** Markdown, after the registry's own sentence. */
  readonly about: string;
  /** Notes by the path of a field, in addition to its description. */
  readonly notes?: Readonly<Record<string, string>>;
  /** Words in place of a description that other calls share, by the path of a field. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Values that leaving a field out means, where the schema has no default. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly request: object;
  readonly answer: object;
};

type Texts = {
  readonly [Service in keyof typeof services]: { readonly [Handler in keyof (typeof services)[Service]]: CallText };
};

const payment = { paymentIntentId: "pi_…", amount: 109, amountReceived: 109, currency: "usd", chargeId: "ch_…" };
const refund = {
  refundId: "re_…",
  paymentIntentId: "pi_…",
  status: "succeeded",
  amount: 300,
  currency: "usd",
  settledBy: "response",
};
const customer = { customerId: "cus_…", email: "jenny@example.com", name: "Jenny", metadata: {} };
const dispute = {
  disputeId: "du_…",
  status: "needs_response",
  reason: "fraudulent",
  amount: 109,
  currency: "usd",
  chargeId: "ch_…",
  paymentIntentId: "pi_…",
  isChargeRefundable: false,
  hasEvidence: false,
  submissionCount: 0,
  respondBy: "2026-11-28T10:00:00.000Z",
};

const account = {
  accountId: "acct_…",
  chargesEnabled: true,
  payoutsEnabled: true,
  detailsSubmitted: true,
  requirementsDue: [],
  disabledReason: null,
};
const newAccount = {
  ...account,
  chargesEnabled: false,
  payoutsEnabled: false,
  detailsSubmitted: false,
  requirementsDue: ["external_account"],
  disabledReason: "requirements.past_due",
};
const transfer = {
  transferId: "tr_…",
  accountId: "acct_…",
  amount: 900,
  amountReversed: 0,
  currency: "eur",
  sourceChargeId: "ch_…",
  transferGroup: "order-4004",
};

const metadata = "Stripe's limits, but at most 40 keys, and none that begins with `restate_`.";
const refundTimeout = "How long the call waits for the refund, in seconds.";
const paymentIntentId = "Begins with `pi_`.";
const disputeId = "Begins with `du_` or `dp_`.";
const disputeNotes = { disputeId };

/** The body of a failed call. */
export const failureExample: PaymentFailureBody = {
  code: 402,
  message: "Your card was declined.",
  metadata: {
    reason: "declined",
    declineCode: "generic_decline",
    stripeCode: "card_declined",
    adviceCode: "try_again_later",
    networkDeclineCode: "01",
    paymentIntentId: "pi_…",
  },
};

export const callTexts: Texts = {
  payments: {
    processPayment: {
      about: `The answer is the final outcome: \`succeeded\`, or \`requires_capture\` where you only authorized. A bank debit takes days, and the
call takes as long. With \`returnUrl\` the answer may be \`requires_action\`: send the customer to \`nextAction.redirectUrl\`, then call
[\`awaitPayment\`](#awaitpayment). That address may hold the payment's client secret: show it to the customer only, and log it nowhere. Without \`returnUrl\` nobody is there to act, so a payment that needs the customer is declined
(\`authentication_required\`). At the deadline a pending payment is cancelled, also if the customer has not acted.

**With a \`reference\`** an order is charged at most once, for ever: by whatever idempotency keys its callers use, however long after, and
however many ask at once. Space around a reference does not count, nor whether its letters are composed (Unicode's form NFC). The same request gets the same outcome, and a call joins a payment that is under way. A field that is left out
and its default count as the same. Another amount, currency, customer or description is 409 \`conflict\`. Other means of payment
(\`paymentMethodId\`, \`mandate\`, \`returnUrl\`, …) are, too, while the first payment is under way or has succeeded. After a decline, a
cancellation or a deadline the reference may be paid by other means, as soon as Stripe shows that the last attempt can't succeed any more, or that
all that it took was given back. The same means are tried again by a new call only after a soft decline
([which those are](guide.md#references)). A reference costs one more invocation per payment.

**With a \`bankTransfer\`** the customer transfers the money: \`{}\`, or for euros \`{"country": "DE"}\`. It needs \`customerId\`, \`returnUrl\` and a
PaymentMethod of the type \`customer_balance\`. A transfer may come in parts: \`getPayment\` shows the amount that is left in
\`nextAction.amountRemaining\`. At the deadline the payment is cancelled, and parts that came go back to the customer's cash balance at Stripe,
as does money that comes late or is too much. That balance pays for the customer's next bank transfer, unless you give it back in Stripe's
dashboard.`,
      notes: {
        amount: "The decimals of the currency apply; its smallest and largest charges are Stripe's to judge.",
        customerId: "The Stripe Customer who pays.",
        description: "Your words about the payment, for the dashboard.",
        receiptEmail: "Where Stripe sends the receipt.",
        metadata,
        captureMethod: "`manual` authorizes now, to be captured later.",
        requestMulticapture: 'Needs `"captureMethod": "manual"`.',
        savePaymentMethod: "Needs `customerId`.",
        offSession: "Needs `customerId`, and excludes `returnUrl` and `savePaymentMethod`.",
        timeoutSeconds: "It is cancelled then.",
      },
      defaults: paymentDefaults,
      request: { paymentMethodId: "pm_card_visa", amount: 109 },
      answer: { ...payment, status: "succeeded", settledBy: "response" },
    },
    awaitPayment: {
      about: `It answers as \`processPayment\` does, and never cancels. Call it when a customer was sent away to act: it returns when the customer has
acted, has given up, or has let the time pass. A payment is named by \`paymentIntentId\`, or by the \`reference\` that it was paid under. Where
no PaymentIntent was made for a reference, the answer is that payment's own failure. A decline ends the wait only if a call of ours made the
PaymentIntent: on any other one the customer may try again, so the wait goes on until success, cancellation or its deadline.`,
      notes: {
        paymentIntentId: `${paymentIntentId} Give this or \`reference\`.`,
        reference: "The reference that the payment was made under. Give this or `paymentIntentId`.",
      },
      instead: { timeoutSeconds: "How long to wait, in seconds. The payment is left as it is then." },
      request: { paymentIntentId: "pi_…" },
      answer: { ...payment, status: "succeeded", settledBy: "webhook" },
    },
    getPayment: {
      about: `It answers at once, whatever the state is: \`processing\`, \`requires_payment_method\`, \`canceled\` and so on are answers here, no failures. Where
no PaymentIntent was made for a reference, the answer is that payment's own failure.`,
      notes: {
        paymentIntentId: `${paymentIntentId} Give this or \`reference\`.`,
        reference: "The reference that the payment was made under. Give this or `paymentIntentId`.",
      },
      request: { paymentIntentId: "pi_…" },
      answer: {
        ...payment,
        amountReceived: 0,
        status: "processing",
        captureBefore: null,
        nextAction: null,
        failure: null,
      },
    },
    capturePayment: {
      about: `A part (\`amount\`) releases the rest, unless \`"final": false\` keeps it for another capture, which only some cards allow. Asking again for the
same capture is a success. Asking for all where only a part was captured is 409 \`conflict\`. At the deadline, or when the call is cancelled, the
payment is left as it is (408 or 409 with \`"compensation": "none"\`): ask again.

**Several captures** need \`"requestMulticapture": true\` at \`processPayment\`, a card that allows them and an account that Stripe has enabled for them.
Each capture but the last has \`"final": false\`, takes its \`amount\` in addition to those before, and answers \`requires_capture\`; where Stripe
doesn't allow it, the answer is 400 with the \`param\` \`final_capture\`. \`{"amount": 0}\` releases the rest and closes the payment. What is captured
can be refunded before that.

A payment that was given up, and is refunded because it succeeded after all, is 409 \`canceled\` with \`"compensation": "watching"\`: don't ship.`,
      notes: { paymentIntentId },
      instead: { timeoutSeconds: "How long the call may wait for the capture, in seconds." },
      defaults: { final: true },
      request: { paymentIntentId: "pi_…", amount: 80 },
      answer: { ...payment, amountReceived: 80, status: "succeeded", settledBy: "response" },
    },
    cancelPayment: {
      about: `It expires the open Checkout Session that the payment belongs to, too. A debit that a bank has already can't be called back, so the call waits
for its end. A payment of which a part is captured is 409 \`conflict\`. If the payment has succeeded, the answer is 409 \`conflict\`, or with \`"refundIfSucceeded": true\` the outcome of the refund: the
whole saga in one call. At the deadline, or when the call is cancelled, the payment or the refund is left as it is (408 or 409 with
\`"compensation": "none"\`): ask again.`,
      notes: {
        paymentIntentId,
        reason: "In Stripe's words.",
      },
      instead: {
        timeoutSeconds: "How long the call may wait for the payment, in seconds, and as long again for its refund.",
      },
      defaults: { reason: "requested_by_customer", refundIfSucceeded: false },
      request: { paymentIntentId: "pi_…", refundIfSucceeded: true },
      answer: { ...payment, amountReceived: 0, chargeId: null, status: "canceled", settledBy: "response" },
    },
    refundPayment: {
      about: `Without \`amount\` all that is left goes back. Where nothing is left, the answer is the last refund, with its own \`amount\`. Concurrent refunds
never exceed the captured amount. At the deadline, or when the call is cancelled, the refund is left as it is (408 or 409 with
\`"compensation": "none"\`). [\`awaitRefund\`](#awaitrefund) goes on waiting for it; \`refundPayment\` with a new key would be a second refund. Where your balance at Stripe is too low, the answer is 409
\`balance_insufficient\`, and nothing is refunded: ask again later, with the same key or a new one.`,
      notes: { paymentIntentId, reason: "In Stripe's words.", metadata },
      instead: { timeoutSeconds: refundTimeout },
      request: { paymentIntentId: "pi_…", amount: 300 },
      answer: refund,
    },
    awaitRefund: {
      about: "It waits for any refund, also one that was made elsewhere, and leaves it as it is at the deadline.",
      notes: { refundId: "Begins with `re_` or `pyr_`." },
      instead: { timeoutSeconds: refundTimeout },
      request: { refundId: "re_…" },
      answer: { ...refund, settledBy: "webhook" },
    },
    setupPaymentMethod: {
      about: `The payment method can be charged in its owner's absence afterwards (\`offSession\`). No money moves. Bank accounts need the \`mandate\` here, and
none when they are debited. With \`returnUrl\` the answer may be \`requires_action\` with a \`nextAction\`; then [\`awaitSetup\`](#awaitsetup) waits for
the customer. A refused payment method is 402 \`declined\`. A set-up that is still pending at the deadline is cancelled (408). A set-up that Stripe
can't cancel yet is \`watching\`: it is cancelled as soon as possible, and left alone if it succeeds.`,
      notes: { metadata },
      request: {
        customerId: "cus_…",
        paymentMethodId: "pm_usBankAccount_success",
        mandate: { type: "online", ipAddress: "192.0.2.1", userAgent: "Mozilla/5.0" },
      },
      answer: {
        setupIntentId: "seti_…",
        status: "succeeded",
        paymentMethodId: "pm_…",
        customerId: "cus_…",
        mandateId: "mandate_…",
        settledBy: "response",
      },
    },
    awaitSetup: {
      about:
        "It waits for any SetupIntent, also one that was made elsewhere, and never cancels it. A decline ends the wait only if a call of ours made the SetupIntent.",
      notes: { setupIntentId: "Begins with `seti_`." },
      request: { setupIntentId: "seti_…" },
      answer: {
        setupIntentId: "seti_…",
        status: "succeeded",
        paymentMethodId: "pm_…",
        customerId: "cus_…",
        settledBy: "webhook",
      },
    },
    createCustomer: {
      about: "A Customer is needed by saved payment methods and bank transfers.",
      notes: { email: "Where Stripe writes to.", name: "The customer's full name.", metadata },
      request: { email: "jenny@example.com", name: "Jenny" },
      answer: customer,
    },
    getCustomer: {
      about: "A customer who was deleted is 404 `not_found`.",
      notes: { customerId: "The Stripe Customer." },
      request: { customerId: "cus_…" },
      answer: customer,
    },
    getDispute: {
      about: `With \`"awaitOutcome": true\` it waits until the dispute is closed: \`won\`, \`lost\`, \`warning_closed\` or \`prevented\`. That takes weeks, so
[send and ask later](#calls-that-take-days), with a \`timeoutSeconds\` of up to 7776000. At the deadline, or when the call is cancelled, the dispute is
left as it is. The outcome of a wait is kept under its \`idempotency-key\`; a state that was only read is not.`,
      notes: disputeNotes,
      request: { disputeId: "du_…" },
      answer: dispute,
    },
    submitDisputeEvidence: {
      about: `Evidence is staged, unless \`"submit": true\` sends it to the bank with all that was staged before: once, for good, so submitting nothing at all is
a 400. The call succeeds if the dispute is as asked already, and answers 409 \`conflict\` if it is closed or reviewed otherwise. With
\`"awaitOutcome": true\` it then waits as \`getDispute\` does.`,
      notes: { ...disputeNotes, evidence: "Together at most 150000 characters." },
      request: { disputeId: "du_…", evidence: { uncategorizedText: "It was delivered on 3 May." }, submit: true },
      answer: { ...dispute, status: "under_review", hasEvidence: true, submissionCount: 1 },
    },
    acceptDispute: {
      about: `The call succeeds if the dispute was accepted already, and answers 409 \`conflict\` if it is closed or reviewed otherwise. With
\`"awaitOutcome": true\` it then waits as \`getDispute\` does.`,
      notes: disputeNotes,
      request: { disputeId: "du_…" },
      answer: { ...dispute, status: "lost" },
    },
  },
  accounts: {
    createAccount: {
      about: `The account can't be charged for yet: lead its owner to Stripe with [\`createOnboardingLink\`](#createonboardinglink), and wait with
[\`awaitOnboarding\`](#awaitonboarding). Owners who have a Stripe account already connect it with [\`createConnectUrl\`](#createconnecturl).`,
      notes: { email: "Stripe fills it in at the onboarding.", metadata },
      request: { email: "jenny@example.com", country: "DE", dashboard: "express" },
      answer: newAccount,
    },
    getAccount: {
      about: "An account that is not connected to yours, or has left, is 404 `not_found`.",
      request: { accountId: "acct_…" },
      answer: account,
    },
    createOnboardingLink: {
      about: `Whoever has the link acts as the account's owner: redirect the browser of the owner to it, once, and log it nowhere. It is good for minutes. The
owner may come back without having told everything: [\`awaitOnboarding\`](#awaitonboarding) knows.`,
      request: {
        accountId: "acct_…",
        returnUrl: "https://shop.example/onboarded",
        refreshUrl: "https://shop.example/onboard-again",
      },
      answer: { url: "https://connect.stripe.com/setup/e/acct_…", expiresAt: "2026-11-28T10:05:00.000Z" },
    },
    awaitOnboarding: {
      about: `The answer comes once \`chargesEnabled\` is true. While something is due, it waits on. An account that Stripe disabled for good is 409
\`rejected\`, one that has left is 409 \`deauthorized\`, and at the deadline the account is left as it is.`,
      request: { accountId: "acct_…", timeoutSeconds: 604800 },
      answer: { ...account, settledBy: "webhook" },
    },
    createConnectUrl: {
      about: `Needs \`STRIPE_CLIENT_ID\`. Stripe's page brings the owner to \`/connect/callback\` of the edge, which connects the account and leads on to
\`returnUrl\`. The address is good for a day, and for one account. The id in \`returnUrl\` came by a browser: read the account with
[\`getAccount\`](#getaccount), and take none that is another seller's of yours.`,
      request: { returnUrl: "https://shop.example/connected?account={ACCOUNT_ID}" },
      answer: {
        url: "https://connect.stripe.com/oauth/authorize?response_type=code&client_id=ca_…&scope=read_write&state=…",
      },
    },
    completeConnect: {
      about: `The edge's page \`/connect/callback\` calls it. Call it yourself only where Stripe brings the owner to a page of yours. A \`state\` that was not
given out to you, has expired or was used before is 400 \`invalid_request\`: begin again.`,
      request: { code: "ac_…", state: "…" },
      answer: { ...account, returnUrl: "https://shop.example/connected?account=acct_…" },
    },
    disconnectAccount: {
      about: `Needs \`STRIPE_CLIENT_ID\`. What waits for a payment of the account ends with 502 \`needs_review\`: nobody but its owner can see the payment any
more. An account that is not connected is 404 \`not_found\`.`,
      request: { accountId: "acct_…" },
      answer: { accountId: "acct_…", status: "disconnected" },
    },
    createTransfer: {
      about: `Your own charge is not changed by it. With \`sourceChargeId\` the money may still be pending, and comes to the account with that of the charge;
without it your available balance has to cover it, or the answer is 409 \`balance_insufficient\`.`,
      notes: { metadata },
      request: {
        accountId: "acct_…",
        amount: 900,
        currency: "eur",
        sourceChargeId: "ch_…",
        transferGroup: "order-4004",
      },
      answer: transfer,
    },
    reverseTransfer: {
      about: `It takes the money back from the account's balance. \`refundPayment\` with \`"reverseTransfer": true\` does so for a destination charge.`,
      notes: { transferId: "Begins with `tr_`.", metadata },
      request: { transferId: "tr_…", amount: 300 },
      answer: { reversalId: "trr_…", transferId: "tr_…", amount: 300, currency: "eur" },
    },
  },
};
