/** One driver per noun that can be awaited: how a pending object of it comes about, is awaited, and is brought to its end. */
import { eventAbout, type Scene } from "../scene/scene.ts";

export type AwaitedNoun = {
  readonly noun: string;
  /** The call that waits for one that somebody else made. */
  readonly handler: string;
  /** The event that tells its end. */
  readonly eventType: string;
  readonly path: string;
  /** What the call says of one that is gone; `needs_review` unless said. */
  readonly gone?: { readonly status: number; readonly reason: string };
  /** Whether it has a status, which may be one that this version doesn't know; it has unless said. */
  readonly hasStatus?: boolean;
  /** Brings it to its end; the sandbox's `settle` unless said. */
  settle?(scene: Scene, id: string): Promise<void>;
  make(scene: Scene): Promise<string>;
  body(id: string): Record<string, unknown>;
  read(scene: Scene, id: string): Promise<{ readonly metadata: Readonly<Record<string, string>> | null }>;
  annotate(scene: Scene, id: string, metadata: Record<string, string>): Promise<unknown>;
};

const mandate_data = { customer_acceptance: { type: "offline" } } as const;
const noRedirects = { enabled: true, allow_redirects: "never" } as const;

async function pay(scene: Scene, payment_method: string): Promise<string> {
  const payment = await scene.stripe.paymentIntents.create({
    amount: 4000,
    currency: "usd",
    payment_method,
    confirm: true,
    mandate_data,
    automatic_payment_methods: noRedirects,
  });
  return payment.id;
}

export const awaitedNouns: readonly AwaitedNoun[] = [
  {
    noun: "a payment",
    handler: "awaitPayment",
    eventType: "payment_intent.succeeded",
    path: "/v1/payment_intents",
    make: (scene) => pay(scene, "pm_usBankAccount_success"),
    body: (paymentIntentId) => ({ paymentIntentId }),
    read: (scene, id) => scene.stripe.paymentIntents.retrieve(id),
    annotate: (scene, id, metadata) => scene.stripe.paymentIntents.update(id, { metadata }),
  },
  {
    noun: "a refund",
    handler: "awaitRefund",
    eventType: "refund.updated",
    path: "/v1/refunds",
    async make(scene) {
      const payment_intent = await pay(scene, "pm_card_pendingRefund");
      return (await scene.stripe.refunds.create({ payment_intent })).id;
    },
    body: (refundId) => ({ refundId }),
    read: (scene, id) => scene.stripe.refunds.retrieve(id),
    annotate: (scene, id, metadata) => scene.stripe.refunds.update(id, { metadata }),
  },
  {
    noun: "a set-up",
    handler: "awaitSetup",
    eventType: "setup_intent.succeeded",
    path: "/v1/setup_intents",
    async make(scene) {
      const customer = await scene.stripe.customers.create({ email: "jenny@example.com" });
      const setup = await scene.stripe.setupIntents.create({
        customer: customer.id,
        payment_method: "pm_usBankAccount_processing",
        confirm: true,
        mandate_data,
        automatic_payment_methods: noRedirects,
      });
      return setup.id;
    },
    body: (setupIntentId) => ({ setupIntentId }),
    read: (scene, id) => scene.stripe.setupIntents.retrieve(id),
    annotate: (scene, id, metadata) => scene.stripe.setupIntents.update(id, { metadata }),
  },
  {
    noun: "a dispute",
    handler: "getDispute",
    eventType: "charge.dispute.closed",
    path: "/v1/disputes",
    async make(scene) {
      const payment_intent = await pay(scene, "pm_card_createDispute");
      const [dispute] = (await scene.stripe.disputes.list({ payment_intent })).data;
      return dispute?.id ?? "";
    },
    body: (disputeId) => ({ disputeId, awaitOutcome: true }),
    read: (scene, id) => scene.stripe.disputes.retrieve(id),
    annotate: (scene, id, metadata) => scene.stripe.disputes.update(id, { metadata, submit: false }),
  },
  {
    noun: "an account's onboarding",
    handler: "accounts/awaitOnboarding",
    eventType: "account.updated",
    path: "/v1/accounts",
    gone: { status: 409, reason: "deauthorized" },
    hasStatus: false,
    async make(scene) {
      const { body } = await scene.call("accounts/createAccount", { dashboard: "express" });
      return String(body["accountId"]);
    },
    body: (accountId) => ({ accountId }),
    read: async (scene, id) => ({ metadata: (await scene.stripe.accounts.retrieve(id)).metadata ?? null }),
    annotate: (scene, id, metadata) => scene.stripe.accounts.update(id, { metadata }),
    async settle(scene, account) {
      await scene.connected("onboard", { account, outcome: "done" });
      // The scene has no Connect endpoint: this is what one would get.
      await scene.webhook(eventAbout("account.updated", await scene.stripe.accounts.retrieve(account)));
    },
  },
];
