/** Money that is shared with connected accounts: by the charge itself, or by transfers after it; and merchants beside the default one. */
import { Stripe } from "stripe";
import { expect } from "vitest";
import { bankDebit, card, type Answer } from "../../scene/scene.ts";
import { otherMerchant, otherMerchantKey } from "../origin.ts";
import { impatient, paidOnce, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const createTransfer = /^\/v1\/transfers$/;
const reverseTransfer = /^\/v1\/transfers\/tr_[^/]+\/reversals$/;

/** A connected account that can be charged for, and be paid. */
async function seller(stage: Stage): Promise<string> {
  const { id } = await stage.stripe.accounts.create({ type: "standard", metadata: { orderId: stage.order } });
  await stage.onboard(id);
  return id;
}

/** What a call transfers to a seller, of a charge of the platform's. */
async function owed(stage: Stage): Promise<object> {
  const { latest_charge } = await stage.stripe.paymentIntents.create({
    amount: 1000,
    currency: "usd",
    payment_method: "pm_card_visa",
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    metadata: { orderId: stage.order },
  });
  return {
    accountId: await seller(stage),
    amount: 900,
    currency: "usd",
    sourceChargeId: latest_charge,
    transferGroup: stage.order,
  };
}

/** Every transfer of this trial: what was transferred, how much of it came back, in how many reversals. */
async function transfersOf(
  stage: Stage,
): Promise<readonly (readonly [amount: number, reversed: number, times: number])[]> {
  const { data } = await stage.stripe.transfers.list({ transfer_group: stage.order, limit: 100 });
  return await Promise.all(
    data.map(async ({ id, amount, amount_reversed }) => {
      const reversals = await stage.stripe.transfers.listReversals(id, { limit: 100 });
      return [amount, amount_reversed, reversals.data.length] as const;
    }),
  );
}

const transferIdOf = ({ body }: Answer): string => String(body["transferId"]);

/** What the platform keeps of the fee of a payment of its own. */
async function feeOf(stage: Stage): Promise<number> {
  const { latest_charge } = await stage.payment();
  const fee = (latest_charge as Stripe.Charge).application_fee;
  if (fee === null) return 0;
  const { amount, amount_refunded } = await stage.stripe.applicationFees.retrieve(
    typeof fee === "string" ? fee : fee.id,
  );
  return amount - amount_refunded;
}

export const transfers: readonly Scenario[] = [
  {
    name: "a seller is paid, and all of it is taken back",
    async play(stage) {
      const key = `${stage.order}-transfer`;
      const request = await owed(stage);
      const made = await stage.call("accounts/createTransfer", request, key);
      const again = await stage.call("accounts/createTransfer", request, key);
      const transferId = transferIdOf(made);
      const reversed = await stage.call("accounts/reverseTransfer", { transferId });
      const twice = await stage.call("accounts/reverseTransfer", { transferId });
      return async () => {
        expect(made).toMatchObject({ status: 200, body: { amount: 900, amountReversed: 0 } });
        expect(again).toEqual(made);
        expect(reversed).toMatchObject({ status: 200, body: { transferId, amount: 900 } });
        expect(twice).toMatchObject({ status: 409, body: { metadata: { reason: "conflict", transferId } } });
        expect(await transfersOf(stage)).toEqual([[900, 900, 1]]);
      };
    },
  },
  {
    name: "the answers to a transfer and to its reversal are lost, and found in the lists",
    async play(stage) {
      stage.faultOn("POST", createTransfer, "error_500_saved_after");
      stage.faultOn("POST", reverseTransfer, "error_500_saved_after");
      const made = await stage.call("accounts/createTransfer", await owed(stage));
      const transferId = transferIdOf(made);
      const reversed = await stage.call("accounts/reverseTransfer", { transferId, amount: 300 });
      return async () => {
        expect(made).toMatchObject({ status: 200, body: { amount: 900 } });
        expect(reversed).toMatchObject({ status: 200, body: { transferId, amount: 300 } });
        expect(await transfersOf(stage)).toEqual([[900, 300, 1]]);
      };
    },
  },
  {
    name: "a transfer is more than the balance",
    async play(stage) {
      const { sourceChargeId: _, ...request } = (await owed(stage)) as { readonly sourceChargeId: string };
      const answer = await stage.call("accounts/createTransfer", { ...request, amount: 999_999_999 });
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "balance_insufficient" } } });
        expect(await transfersOf(stage)).toEqual([]);
      };
    },
  },
  {
    name: "a transfer is taken back by somebody else, while a call is about to",
    async play(stage) {
      const made = await stage.call("accounts/createTransfer", await owed(stage));
      const transferId = transferIdOf(made);
      stage.beforeRequest("POST", reverseTransfer, async () => {
        await stage.direct.transfers.createReversal(transferId);
      });
      const answer = await stage.call("accounts/reverseTransfer", { transferId });
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "conflict", transferId } } });
        expect(await transfersOf(stage)).toEqual([[900, 900, 1]]);
      };
    },
  },
  {
    name: "the call of a transfer is cancelled while the answer is lost",
    async play(stage) {
      const key = `${stage.order}-transfer`;
      stage.cancelAndFail("POST", createTransfer, key, "error_500_saved_after");
      const answer = await stage.call("accounts/createTransfer", await owed(stage), key);
      return async () => {
        // A call that is asked to end before it has Stripe's answer says that it doesn't know.
        const unknown = answer.status === 409 && answer.body.metadata?.["reason"] === "canceled";
        expect([200, unknown ? 409 : 200]).toContain(answer.status);
        expect(await transfersOf(stage)).toEqual([[900, 0, 0]]);
      };
    },
  },
];

export const shared: readonly Scenario[] = [
  {
    name: "a payment is shared with a seller, and everything of it given back",
    async play(stage) {
      const paid = await stage.call("processPayment", {
        ...card(stage.order),
        amount: 1000,
        applicationFeeAmount: 100,
        transfer: { destination: await seller(stage) },
        transferGroup: stage.order,
      });
      const { paymentIntentId = "" } = paid.body;
      const refund = { paymentIntentId, reverseTransfer: true, refundApplicationFee: true };
      const refunded = await stage.call("refundPayment", refund);
      return async () => {
        expect([paid, refunded]).toMatchObject([
          { status: 200, body: { status: "succeeded" } },
          { status: 200, body: { status: "succeeded", amount: 1000 } },
        ]);
        expect(await stage.ledger()).toEqual([{ ...paidOnce(1000)[0], refunds: 1, refunded: 1000 }]);
        expect(await transfersOf(stage)).toEqual([[1000, 1000, 1]]);
        expect(await feeOf(stage)).toBe(0);
      };
    },
  },
  {
    name: "a shared debit that was given up succeeds, and is taken back of the seller, too",
    async play(stage) {
      const answer = await stage.call("processPayment", {
        ...bankDebit(stage.order),
        applicationFeeAmount: 400,
        transfer: { destination: await seller(stage) },
        transferGroup: stage.order,
        timeoutSeconds: 12,
      });
      const id = answer.body.metadata?.["paymentIntentId"] ?? "";
      await stage.untilTold(id, "payment.abandoned");
      await stage.hung(1, () => stage.payment());
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const refund = await stage.pendingRefund(id);
      await stage.settle(refund.id);
      await stage.deliver("refund.updated", refund.id);
      return async () => {
        expect(answer).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
        expect(await stage.ledger()).toEqual([{ ...paidOnce(4000)[0], refunds: 1, refunded: 4000 }]);
        expect(await transfersOf(stage)).toEqual([[4000, 4000, 1]]);
        expect(await feeOf(stage)).toBe(0);
      };
    },
  },
  {
    name: "a bank debit on a seller's own account succeeds later, and the account's webhook says so",
    async play(stage) {
      const stripeAccount = await seller(stage);
      const call = stage.call("processPayment", {
        ...bankDebit(stage.order),
        applicationFeeAmount: 400,
        stripeAccount,
      });
      const query = `metadata["orderId"]:"${stage.order}"`;
      const search = async () => (await stage.stripe.paymentIntents.search({ query }, { stripeAccount })).data;
      const { id } = await stage.until("the PaymentIntent", async () => (await search())[0]);
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id, stripeAccount);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
        expect(await search()).toMatchObject([{ status: "succeeded", amount_received: 4000 }]);
        expect(await stage.payments()).toEqual([]);
        expect(stage.told(id)).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "a seller leaves while a bank debit on the seller's account is awaited",
    profile: impatient,
    async play(stage) {
      const stripeAccount = await seller(stage);
      const call = stage.call("processPayment", { ...bankDebit(stage.order), stripeAccount });
      const query = `metadata["orderId"]:"${stage.order}"`;
      const { id } = await stage.until(
        "the PaymentIntent",
        async () => (await stage.stripe.paymentIntents.search({ query }, { stripeAccount })).data[0],
      );
      const awaiting = stage.call("awaitPayment", { paymentIntentId: id, stripeAccount });
      await stage.hung(1, () => stage.stripe.paymentIntents.retrieve(id, {}, { stripeAccount }));
      await stage.leave(stripeAccount);
      const answers = await Promise.all([call, awaiting]);
      return () => {
        for (const answer of answers) {
          expect(answer).toMatchObject({
            status: 502,
            body: { metadata: { reason: "needs_review", stripeCode: "account_invalid" } },
          });
        }
      };
    },
  },
];

export const merchants: readonly Scenario[] = [
  {
    name: "two merchants have an order of the same name",
    async play(stage) {
      const request = { ...card(stage.order), reference: stage.order };
      const [own, other] = await Promise.all([
        stage.call("processPayment", request),
        stage.call("processPayment", { ...request, merchant: otherMerchant }),
      ]);
      const paymentIntentId = other.body.paymentIntentId ?? "";
      const refunded = await stage.call("refundPayment", { paymentIntentId, merchant: otherMerchant });
      const { host, protocol } = new URL(stage.stripeUrl);
      const [hostname = "", port = ""] = host.split(":");
      const books = new Stripe(otherMerchantKey, {
        host: hostname,
        port,
        protocol: protocol === "http:" ? "http" : "https",
      });
      return async () => {
        for (const answer of [own, other, refunded]) {
          expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        }
        expect(await stage.ledger()).toEqual(paidOnce());
        const query = `metadata["orderId"]:"${stage.order}"`;
        const { data } = await books.paymentIntents.search({ query, expand: ["data.latest_charge"] });
        expect(data).toMatchObject([{ id: paymentIntentId, latest_charge: { amount_refunded: 109 } }]);
        expect(stage.told(paymentIntentId)).toEqual(["payment.succeeded", "refund.succeeded"]);
        expect(stage.told(own.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
      };
    },
  },
];
