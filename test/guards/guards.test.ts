/**
 * Every guard is there because something breaks without it. Each is removed from a copy of the code, and the same scenario
 * is played with and without it: what it shows must differ, and in the way for which the guard exists. So a guard that
 * nobody needs any more, or that no longer guards, is noticed here.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bankDebit,
  card,
  eventAbout,
  newOrder,
  openScene,
  sign,
  until,
  type Answer,
  type Scene,
} from "../scene/scene.ts";
import type { Edit } from "./editedCopy.ts";
import { editedSource, serveSource, uneditedSource, type ServiceSettings, type Source } from "./editedService.ts";

const hourMs = 3_600_000;

type Guard = {
  readonly name: string;
  /** Takes the guard away, and nothing else. */
  readonly removal: Edit;
  readonly settings?: ServiceSettings;
  /**
   * Plays a scenario and says what came of it.
   * @param patienceMs how long to wait for what may never come
   */
  readonly scenario: (scene: Scene, patienceMs: number) => Promise<unknown>;
  readonly guarded: unknown;
  readonly unguarded: unknown;
};

const guards: readonly Guard[] = [
  {
    name: "the signature check",
    removal: {
      file: "webhooks/verification.ts",
      from: "return webhookSecrets.some((secret) => isSignedWith(text, signatureHeader, secret));",
      to: "return webhookSecrets.some((secret) => isSignedWith(text, signatureHeader, secret)) || true;",
    },
    async scenario(scene) {
      const payload = eventAbout("payment_intent.succeeded", { id: "pi_1", metadata: {} });
      const { status, body } = await scene.webhook(payload, sign(payload, { secret: "whsec_of_somebody_else" }));
      return { status, received: body["received"] ?? false };
    },
    guarded: { status: 400, received: false },
    unguarded: { status: 200, received: true },
  },
  {
    name: "the re-read after a webhook",
    removal: {
      file: "durable/awaitObject.ts",
      from: "latest = await readAt(woken);",
      to: 'latest = await readAt(woken); if (woken === "webhook") latest = { ...latest, status: "succeeded" };',
    },
    async scenario(scene) {
      const { payment, call } = await waitingDebit(scene, "pm_usBankAccount_success");
      const lie = eventAbout("payment_intent.succeeded", { ...payment, status: "succeeded" });
      await scene.webhook(lie);
      await heard(scene, payment, call);
      await scene.settle(payment.id, "failed");
      return outcomeOf(await call);
    },
    guarded: "402 declined",
    unguarded: "200 succeeded",
  },
  {
    name: "Stripe's idempotency key",
    removal: {
      file: "payments/stripe/requests.ts",
      from: "stripe.paymentIntents.create(parameters, options)",
      to: "stripe.paymentIntents.create(parameters)",
    },
    scenario: chargesWhenTheAnswerIsLost,
    guarded: "charged once",
    unguarded: "charged again",
  },
  {
    name: "the journal, which fixes that key before it is sent",
    removal: {
      file: "payments/creation.ts",
      from: "stripe.createPayment(request)",
      to: "stripe.createPayment({ ...request, idempotencyKey: crypto.randomUUID() })",
    },
    scenario: chargesWhenTheAnswerIsLost,
    guarded: "charged once",
    unguarded: "charged again",
  },
  {
    name: "the poll",
    removal: { file: "durable/awaitObject.ts", from: "return leftMs <= pollMs", to: "return leftMs < Infinity" },
    settings: { pollScheduleMs: [200] },
    async scenario(scene, patienceMs) {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order));
      const { id } = await scene.paymentOf(order);
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      await scene.settle(id);
      return await answered(call, patienceMs);
    },
    guarded: "200 succeeded",
    unguarded: "still waiting",
  },
  {
    name: "the deadline",
    removal: { file: "durable/awaitObject.ts", from: "return leftMs <= pollMs", to: "return leftMs < -1" },
    async scenario(scene, patienceMs) {
      const request = { ...bankDebit(newOrder(), "pm_usBankAccount_processing"), timeoutSeconds: 1 };
      return await answered(scene.call("processPayment", request), patienceMs);
    },
    guarded: "408 timed_out",
    unguarded: "still waiting",
  },
  {
    name: "the age limit of an idempotency key, which Stripe may forget after a day",
    removal: {
      file: "stripe/idempotency.ts",
      from: "return nowMs - firstSentAtMs < idempotencyKeySafeForMs;",
      to: "return true;",
    },
    settings: {
      gateway: (gateway) => ({
        ...gateway,
        fixRequest: (parameters, key) => ({
          ...gateway.fixRequest(parameters, key),
          fixedAtMs: Date.now() - 23 * hourMs,
        }),
      }),
    },
    async scenario(scene) {
      const order = newOrder();
      const outcome = outcomeOf(await scene.call("processPayment", card(order)));
      return { outcome, payments: (await scene.paymentsOf(order)).length };
    },
    guarded: { outcome: "502 needs_review", payments: 0 },
    unguarded: { outcome: "200 succeeded", payments: 1 },
  },
  {
    name: "the check of a doorbell's address, which is data from outside",
    removal: {
      file: "stripe/metadata.ts",
      from: "isCallbackKey(key) && isDoorbellAddress(value)",
      to: "isCallbackKey(key)",
    },
    async scenario(scene) {
      const { payment, call } = await waitingDebit(scene, "pm_usBankAccount_processing");
      const restate_callback_id_evil = cancellationIn(payment.metadata["restate_callback_id"] ?? "");
      const metadata = { restate_callback_id_evil, ...payment.metadata };
      await scene.webhook(eventAbout("payment_intent.succeeded", { ...payment, metadata }));
      await heard(scene, payment, call);
      if ((await scene.stripe.paymentIntents.retrieve(payment.id)).status === "processing") {
        await scene.settle(payment.id);
      }
      return outcomeOf(await call);
    },
    guarded: "200 succeeded",
    unguarded: "409 canceled",
  },
  {
    name: "looking at a cancellation only where the call waits",
    removal: {
      file: "app/callHandler.ts",
      from: "explicitCancellation: true,\n      idempotencyRetention",
      to: "idempotencyRetention",
    },
    async scenario(scene) {
      const order = newOrder();
      await scene.fault({
        target: "api",
        effect: "stall",
        method: "POST",
        path: "/v1/payment_intents",
        count: 1,
        delayMs: 2000,
      });
      const call = scene.call("processPayment", card(order));
      const payment = await scene.paymentOf(order);
      const invocation = `${scene.admin}/invocations/${payment.metadata["restate_invocation_id"]}`;
      expect((await fetch(`${invocation}/cancel`, { method: "PATCH" })).ok).toBe(true);
      const { status } = await call;
      return { status, atStripe: (await scene.paymentOf(order)).status };
    },
    guarded: { status: 200, atStripe: "succeeded" },
    unguarded: { status: 409, atStripe: "succeeded" },
  },
  {
    name: "the memory of a reference",
    removal: {
      file: "orders/rules.ts",
      from: 'if (record === null) return { kind: "start" };',
      to: 'if (record !== undefined) return { kind: "start" };',
    },
    async scenario(scene) {
      const order = newOrder();
      const request = { ...card(order), reference: order };
      await Promise.all([scene.call("processPayment", request), scene.call("processPayment", request)]);
      return (await scene.paymentsOf(order)).length;
    },
    guarded: 1,
    unguarded: 2,
  },
];

describe("a guard that is removed is missed", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(100);
    await scene.stopService();
  });
  afterAll(async () => {
    await scene.close();
  });

  async function shown(source: Source, { settings = {}, scenario }: Guard, patienceMs: number): Promise<unknown> {
    const service = await serveSource(source, scene, settings);
    try {
      return await scenario(scene, patienceMs);
    } finally {
      await service.close();
      await source.remove();
      await scene.clearFaults();
    }
  }

  it.each(guards)("$name", async (guard) => {
    expect(await shown(uneditedSource, guard, 30_000)).toEqual(guard.guarded);
    expect(await shown(await editedSource(guard.removal), guard, 3_000)).toEqual(guard.unguarded);
  });

  it("by a test that notices when the code has moved on", async () => {
    const moved = { file: "stripe/idempotency.ts", from: "return nowMs - firstSentAtMs < somethingElse;", to: "" };
    await expect(editedSource(moved)).rejects.toThrow("src/stripe/idempotency.ts has 0 places that read");
  });
});

type Payment = Awaited<ReturnType<Scene["paymentOf"]>>;

/** A bank debit that Stripe is processing, and the suspended call that waits for it. */
async function waitingDebit(scene: Scene, paymentMethodId: string) {
  const order = newOrder();
  const call = scene.call("processPayment", bankDebit(order, paymentMethodId));
  return { payment: await scene.waitingPaymentOf(order), call };
}

/** Resolves when the call has answered what rang, by an outcome or by hanging a new doorbell. */
async function heard(scene: Scene, { id, metadata }: Payment, call: Promise<Answer>): Promise<void> {
  let isAnswered = false;
  void call.then(() => (isAnswered = true));
  await until("the ring to be heard", async () => {
    const latest = await scene.stripe.paymentIntents.retrieve(id);
    const isHungAnew = latest.metadata["restate_callback_id"] !== metadata["restate_callback_id"];
    return isAnswered || isHungAnew ? true : undefined;
  });
}

/** Stripe charges, and its answer is lost twice: the stripe package repeats a cut request once by itself. */
async function chargesWhenTheAnswerIsLost(scene: Scene): Promise<string> {
  const order = newOrder();
  await scene.fault({ target: "api", effect: "cut_after", method: "POST", path: "/v1/payment_intents", count: 3 });
  await scene.call("processPayment", card(order));
  return (await scene.paymentsOf(order)).length === 1 ? "charged once" : "charged again";
}

async function answered(call: Promise<Answer>, patienceMs: number): Promise<string> {
  const late = delay(patienceMs, "still waiting", { ref: false });
  // What is still waiting ends with the scene, and its connection is cut.
  return await Promise.race([call.then(outcomeOf, () => "cut off"), late]);
}

function outcomeOf({ status, body }: Answer): string {
  return `${status} ${body.status ?? body.metadata?.["reason"]}`;
}

/** The address that, resolved, cancels the invocation whose doorbell this is: the engine's own signal 1. */
function cancellationIn(address: string): string {
  const bytes = Uint8Array.fromBase64(address.slice("sign_1".length), { alphabet: "base64url" });
  new DataView(bytes.buffer).setUint32(24, 1);
  return `sign_1${bytes.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}
