/**
 * The known attack on the engine's ingress: who can reach it and knows an idempotency key computes the addresses of a waiting
 * call's awakeables, and of the signal that cancels it, and uses them without any signature. Each address is computed here
 * before its call is even made.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, card, modes, newOrder, openScene, type Scene, until } from "../scene/scene.ts";
import { cancelSignal, firstAwakeable, signalAddress } from "./attackersAddress.ts";

const fakeSuccess = JSON.stringify({ status: "succeeded", amountReceived: 4000, paymentIntentId: "pi_fake" });

function debit(key: string, method?: string) {
  return { ...bankDebit(key, method), reference: key };
}

describe.each(modes)("at the ingress, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  /** Somebody who knows the idempotency key of a call, and can reach the ingress. */
  function attackerOf(handler: string, key: string, service = "payments") {
    const addressOf = async (index: number) => await signalAddress({ service, handler }, key, index);
    const attacker = {
      addressOf,
      /** The engine acknowledges whatever has the form of an address. */
      async send(index: number, verb: "resolve" | "reject", body: string): Promise<void> {
        const response = await fetch(`${scene.ingress}/restate/awakeables/${await addressOf(index)}/${verb}`, {
          method: "POST",
          headers: { "content-type": verb === "resolve" ? "application/json" : "text/plain" },
          body,
        });
        expect(response.status).toBe(202);
      },
      /** Rings an awakeable in every way there is, and the next ones, before they are created. */
      async ringAll(count: number): Promise<void> {
        for (let index = firstAwakeable; index < firstAwakeable + count; index++) {
          await attacker.send(index, "resolve", fakeSuccess);
          await attacker.send(index, "resolve", "{damaged");
          await attacker.send(index, "reject", "no money for you");
          await attacker.send(index, "resolve", fakeSuccess);
        }
      },
      async cancel(): Promise<void> {
        await attacker.send(cancelSignal, "resolve", fakeSuccess);
        await attacker.send(cancelSignal, "resolve", fakeSuccess);
      },
    };
    return attacker;
  }

  /** Resolves when the call sleeps and its doorbell is another one than `address`. */
  async function untilLookedAgain(key: string, address: string, hanging: () => Promise<string>): Promise<void> {
    await until("a new doorbell", async () => ((await hanging()) === address ? undefined : true));
    await scene.suspended(key);
  }

  /** A call that waits for the refund of a new payment. */
  async function pendingRefund(key: string) {
    const paid = await scene.call("processPayment", card(newOrder(), "pm_card_pendingRefund"));
    const paymentIntentId = paid.body.paymentIntentId ?? "";
    const call = scene.call("refundPayment", { paymentIntentId }, key);
    // The private call does it, whose key is made of the public one's id: that is no secret, `/send` answers with it.
    const privateKey = `${await scene.suspended(key)}-0`;
    const refunds = async () => (await scene.stripe.refunds.list({ payment_intent: paymentIntentId })).data;
    const refundId = await until("the refund", async () => (await refunds())[0]?.id);
    await scene.suspended(privateKey);
    return { call, refunds, refundId, privateKey };
  }

  async function creatorsDoorbell(order: string): Promise<string> {
    return (await scene.paymentOf(order)).metadata["restate_callback_id"] ?? "";
  }

  describe.concurrent("a payment that somebody resolves with a fake success", () => {
    it.each(["succeeded", "failed"] as const)(
      "reads Stripe, goes on waiting, and ends as Stripe says: %s",
      async (end) => {
        const key = newOrder();
        const attacker = attackerOf("processPayment", key);
        const address = await attacker.addressOf(firstAwakeable);
        const call = scene.call("processPayment", bankDebit(key), key);
        const { id } = await scene.waitingPaymentOf(key);
        expect(await creatorsDoorbell(key)).toBe(address);
        await attacker.ringAll(3);
        const fourth = await attacker.addressOf(firstAwakeable + 3);
        await until("the fourth doorbell", async () => ((await creatorsDoorbell(key)) === fourth ? true : undefined));
        await scene.suspended(key);
        expect((await scene.paymentOf(key)).status).toBe("processing");
        await scene.settle(id, end);
        expect(await call).toMatchObject(
          end === "succeeded"
            ? { status: 200, body: { paymentIntentId: id, status: "succeeded", settledBy: "webhook" } }
            : { status: 402, body: { metadata: { reason: "declined", paymentIntentId: id } } },
        );
        expect(await scene.paymentsOf(key)).toHaveLength(1);
      },
    );
  });

  describe("a payment whose doorbells were all rung before they existed", () => {
    it("finds the truth by polling", async () => {
      const key = newOrder();
      const attacker = attackerOf("processPayment", key);
      await scene.restartService({ pollScheduleMs: [3000] });
      const call = scene.call("processPayment", bankDebit(key), key);
      const { id } = await scene.waitingPaymentOf(key);
      for (let index = 0; index < 40; index++) {
        // The signals below are the engine's own.
        if (index !== cancelSignal) await attacker.send(index, "resolve", fakeSuccess);
      }
      await scene.suspended(key);
      expect((await scene.paymentOf(key)).status).toBe("processing");
      await scene.settle(id);
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
      await scene.restartService();
    });
  });

  describe.concurrent("a payment that somebody cancels", () => {
    it("is cancelled at Stripe, and answered as that", async () => {
      const key = newOrder();
      const attacker = attackerOf("processPayment", key);
      const call = scene.call("processPayment", bankDebit(key, "pm_usBankAccount_processing"), key);
      const { id } = await scene.waitingPaymentOf(key);
      await attacker.cancel();
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId: id, compensation: "canceled" } },
      });
      expect((await scene.paymentOf(key)).status).toBe("canceled");
    });

    it("is watched where Stripe can't cancel it, and refunded if it succeeds", async () => {
      const key = newOrder();
      const attacker = attackerOf("processPayment", key);
      const call = scene.call("processPayment", bankDebit(key), key);
      const { id } = await scene.waitingPaymentOf(key);
      await attacker.cancel();
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId: id, compensation: "watching" } },
      });
      await scene.settle(id);
      await until("the refund", async () => {
        const { data } = await scene.stripe.refunds.list({ payment_intent: id });
        return data.some(({ amount }) => amount === 4000) ? true : undefined;
      });
    });

    it("is a success where it has succeeded already", async () => {
      const key = newOrder();
      const attacker = attackerOf("processPayment", key);
      const answer = await scene.call("processPayment", card(key), key);
      await attacker.cancel();
      expect(await scene.call("processPayment", card(key), key)).toEqual(answer);
      expect((await scene.paymentOf(key)).status).toBe("succeeded");
    });
  });

  describe.concurrent("a reference", () => {
    it("is not charged by what is resolved, neither of its call nor of its private attempt", async () => {
      const key = newOrder();
      const attacker = attackerOf("processPayment", key);
      const call = scene.call("processPayment", debit(key), key);
      const { id } = await scene.waitingPaymentOf(key);
      await attacker.ringAll(3);
      // The attempt's own address is random; who reads the merchant's Stripe account knows it all the same.
      const address = await creatorsDoorbell(key);
      expect(address).not.toBe(await attacker.addressOf(firstAwakeable));
      await fetch(`${scene.ingress}/restate/awakeables/${address}/resolve`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: fakeSuccess,
      });
      await untilLookedAgain(key, address, async () => await creatorsDoorbell(key));
      expect((await scene.paymentOf(key)).status).toBe("processing");
      await scene.settle(id);
      expect(await call).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded" } });
      expect(await scene.paymentsOf(key)).toHaveLength(1);
    });

    it("is closed at Stripe when its call is cancelled, and may be paid again", async () => {
      const key = newOrder();
      const attacker = attackerOf("processPayment", key);
      const call = scene.call("processPayment", debit(key, "pm_usBankAccount_processing"), key);
      await scene.waitingPaymentOf(key);
      await attacker.cancel();
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", compensation: "canceled" } },
      });
      expect((await scene.paymentOf(key)).status).toBe("canceled");
    });

    it("has no handler that the ingress would call", async () => {
      const key = newOrder();
      const response = await fetch(`${scene.ingress}/paymentReference/${key}/pay`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(debit(key)),
      });
      expect(response.status).toBe(400);
      expect(await scene.paymentsOf(key)).toEqual([]);
    });
  });

  describe.concurrent("somebody else's wait for a payment", () => {
    it("reads Stripe and goes on when it is rung, and leaves the payment alone when it is cancelled", async () => {
      const key = newOrder();
      const attacker = attackerOf("awaitPayment", key);
      const order = newOrder();
      const creator = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      const call = scene.call("awaitPayment", { paymentIntentId }, key);
      await scene.suspended(key);
      const address = await attacker.addressOf(firstAwakeable);
      const hanging = async () =>
        Object.values((await scene.paymentOf(order)).metadata).find((value) => value === address);
      expect(await hanging()).toBe(address);
      await attacker.ringAll(1);
      await untilLookedAgain(key, address, async () => (await hanging()) ?? "");
      await attacker.cancel();
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", compensation: "none" } },
      });
      expect((await scene.paymentOf(order)).status).toBe("processing");
      await scene.settle(paymentIntentId);
      expect(await creator).toMatchObject({ status: 200, body: { status: "succeeded" } });
    });
  });

  describe.concurrent("a refund", () => {
    it("that somebody resolves with a fake success reads Stripe, goes on waiting, and ends as Stripe says", async () => {
      const key = newOrder();
      const { call, refunds, refundId, privateKey } = await pendingRefund(key);
      const attacker = attackerOf("refundPayment", privateKey, "keptCalls");
      const address = await attacker.addressOf(firstAwakeable);
      const hanging = async () => (await refunds())[0]?.metadata?.["restate_callback_id"] ?? "";
      expect(await hanging()).toBe(address);
      await attacker.ringAll(1);
      await untilLookedAgain(privateKey, address, hanging);
      await scene.settle(refundId, "failed");
      expect(await call).toMatchObject({ status: 409, body: { metadata: { reason: "refund_failed", refundId } } });
    });

    it.each(["the call", "its private half"])(
      "of which somebody cancels %s is left to Stripe, and the next call waits for the same one",
      async (half) => {
        const key = newOrder();
        const { call, refunds, refundId, privateKey } = await pendingRefund(key);
        const attacker =
          half === "the call" ? attackerOf("refundPayment", key) : attackerOf("refundPayment", privateKey, "keptCalls");
        await attacker.cancel();
        expect(await call).toMatchObject({ status: 409, body: { metadata: { reason: "canceled", refundId } } });
        const again = scene.call("awaitRefund", { refundId });
        await scene.settle(refundId);
        expect(await again).toMatchObject({ status: 200, body: { refundId, status: "succeeded" } });
        expect(await refunds()).toHaveLength(1);
      },
    );
  });
});
