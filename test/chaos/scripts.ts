/** What the callers of one payment do, by its kind. */
import type { Caller } from "./caller.ts";
import type { Answer, CallBody } from "./clientLog.ts";
import type { Kind, Plan } from "./work.ts";

type Script = (caller: Caller, plan: Plan) => Promise<unknown>;

export const scripts: Readonly<Record<Kind, Script>> = {
  card: pay,
  "declined card": pay,
  debit: pay,
  "failing debit": pay,
  "delayed status": (caller, plan) => pay(caller, plan, { delayedStatus: true }),
  "captured in full": async (caller, plan) => {
    const id = authorized(await pay(caller, plan, { captureMethod: "manual" }));
    if (id !== null) await caller.call("capturePayment", { paymentIntentId: id });
  },
  "captured in part": async (caller, plan) => {
    const id = authorized(await pay(caller, plan, { captureMethod: "manual" }));
    if (id === null) return;
    // Two who ask for the same capture.
    const capture = { paymentIntentId: id, amount: plan.partMinor };
    await Promise.all([caller.call("capturePayment", capture), caller.call("capturePayment", capture)]);
  },
  "authorization cancelled": async (caller, plan) => {
    const id = authorized(await pay(caller, plan, { captureMethod: "manual" }));
    if (id !== null) await caller.call("cancelPayment", { paymentIntentId: id });
  },
  "authorization held": (caller, plan) => pay(caller, plan, { captureMethod: "manual" }),
  "refunded in full": async (caller, plan) => {
    const id = succeeded(await pay(caller, plan));
    if (id !== null) await caller.call("refundPayment", { paymentIntentId: id });
  },
  "refunded in parts": async (caller, plan) => {
    const id = succeeded(await pay(caller, plan));
    if (id === null) return;
    await caller.call("refundPayment", { paymentIntentId: id, amount: plan.partMinor });
    await caller.call("refundPayment", { paymentIntentId: id });
  },
  "rival refunds": async (caller, plan) => {
    const id = succeeded(await pay(caller, plan));
    if (id === null) return;
    const rival = () => caller.call("refundPayment", { paymentIntentId: id, amount: plan.partMinor });
    await Promise.all(Array.from({ length: plan.callers }, rival));
  },
  "slow refund": async (caller, plan) => {
    const id = succeeded(await pay(caller, plan));
    if (id !== null) await caller.call("refundPayment", { paymentIntentId: id });
  },
  reference: async (caller, plan) => {
    const ask = () => pay(caller, plan, { reference: plan.reference });
    await Promise.all(Array.from({ length: plan.callers }, ask));
    await caller.pause(plan.pauseMs);
    await ask();
  },
  "reference with other means": async (caller, plan) => {
    const first = await pay(caller, plan, { reference: plan.reference });
    if (first.status !== 402) return;
    const second = { ...plan, paymentMethodId: "pm_card_visa" };
    const ask = () => pay(caller, second, { reference: plan.reference });
    await Promise.all([ask(), ask()]);
  },
  "awaited by others": async (caller, plan) => {
    const payment = pay(caller, plan, { reference: plan.reference });
    const others = Array.from({ length: plan.callers }, async () => {
      await caller.pause(plan.pauseMs);
      // While there is no PaymentIntent yet, the answer says so.
      for (;;) {
        const answer = await caller.call("awaitPayment", { reference: plan.reference });
        if (!["not_found", "conflict"].includes(answer.body.metadata?.reason ?? "")) return;
        await caller.pause(500);
      }
    });
    await Promise.all([payment, ...others]);
  },
  "call cancelled": async (caller, plan) => {
    const key = caller.newKey();
    const body = bodyOf(caller, plan, plan.byReference ? { reference: plan.reference } : {});
    const invocationId = await caller.send("processPayment", body, key);
    await caller.pause(plan.pauseMs);
    await caller.cancelInvocation(invocationId, key);
    await caller.answerOf("processPayment", body, key);
  },
  deadline: (caller, plan) => pay(caller, plan, { timeoutSeconds: 1 }),
  customer: async (caller, plan) => {
    const { customer } = plan;
    const key = caller.newKey();
    const body = bodyOf(caller, plan, {
      returnUrl: "https://shop.example/back",
      timeoutSeconds: customer === "absent" ? 3 : 3600,
    });
    const answer = await caller.call("processPayment", body, key);
    const id = answer.body.paymentIntentId;
    if (answer.body.status !== "requires_action" || id === undefined) return;
    const outcome = caller.call("awaitPayment", { paymentIntentId: id });
    if (customer !== "absent") {
      await caller.pause(plan.pauseMs);
      await caller.actAsCustomer(id, customer, key);
    }
    await outcome;
  },
  "cancel or refund": async (caller, plan) => {
    const cancel = (paymentIntentId: string) =>
      caller.call("cancelPayment", { paymentIntentId, refundIfSucceeded: true });
    if (plan.paymentMethodId.startsWith("pm_card")) {
      const id = succeeded(await pay(caller, plan));
      if (id !== null) await cancel(id);
      return;
    }
    // A debit that is under way: the saga waits for its end and gives the money back.
    const payment = pay(caller, plan, { reference: plan.reference });
    let id: string | undefined;
    while (id === undefined) {
      const seen = await caller.call("getPayment", { reference: plan.reference });
      id = seen.body.paymentIntentId;
      if (seen.body.metadata?.reason === "needs_review") break;
      if (id === undefined) await caller.pause(300);
    }
    await Promise.all([payment, ...(id === undefined ? [] : [cancel(id)])]);
  },
  "given up, then other means": async (caller, plan) => {
    const body = bodyOf(caller, plan, { reference: plan.reference, timeoutSeconds: 1 });
    const first = await caller.call("processPayment", body);
    if (first.status === 408) await payOtherwise(caller, body);
  },
  "asked again after a soft decline": async (caller, plan) => {
    const ask = () => pay(caller, plan, { reference: plan.reference });
    await ask();
    await ask();
  },
  "captured elsewhere": async (caller, plan) => {
    const ask = () => pay(caller, plan, { reference: plan.reference, captureMethod: "manual" });
    const id = authorized(await ask());
    if (id === null) return;
    await ask();
    await caller.call("capturePayment", { paymentIntentId: id });
    if (plan.byReference) await ask();
  },
  "outage past the deadline": async (caller, plan) => {
    await caller.outage(plan.outage ?? 0);
    const body = bodyOf(caller, plan, { ...inOutage(plan), timeoutSeconds: plan.timeoutSeconds });
    const answer = await caller.call("processPayment", body);
    if (plan.byReference && answer.status === 408) await payOtherwise(caller, body);
  },
  "cancelled in an outage": async (caller, plan) => {
    await caller.outage(plan.outage ?? 0);
    const key = caller.newKey();
    const body = bodyOf(caller, plan, inOutage(plan));
    const invocationId = await caller.send("processPayment", body, key);
    await caller.pause(2 * plan.pauseMs);
    await caller.cancelInvocation(invocationId, key);
    const answer = await caller.answerOf("processPayment", body, key);
    if (plan.byReference && answer.status === 409) await payOtherwise(caller, body);
  },
};

/** What a payment is that meets an outage, but for its means. */
function inOutage(plan: Plan): CallBody {
  return {
    ...(plan.byReference && { reference: plan.reference }),
    ...(plan.isHeld && plan.paymentMethodId.startsWith("pm_card") && { captureMethod: "manual" }),
    ...(plan.paymentMethodId === "pm_card_threeDSecure2Required" && { returnUrl: "https://shop.example/back" }),
  };
}

/** Pays a reference by a card, after what came before was given up: at once, or when that has been taken back. */
async function payOtherwise(caller: Caller, first: CallBody): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const answer = await caller.call("processPayment", otherMeans(first));
    if (answer.body.metadata?.reason !== "conflict") return;
    await caller.pause(1000);
  }
}

/** The same purchase, by a card that is not declined, without a hurry. */
export function otherMeans(first: CallBody): CallBody {
  const { mandate: _mandate, returnUrl: _returnUrl, timeoutSeconds: _timeoutSeconds, ...purchase } = first;
  return { ...purchase, paymentMethodId: "pm_card_mastercard" };
}

async function pay(caller: Caller, plan: Plan, more: CallBody = {}): Promise<Answer> {
  return await caller.call("processPayment", bodyOf(caller, plan, more));
}

function bodyOf(caller: Caller, { paymentMethodId, amount }: Plan, more: CallBody): CallBody {
  const isDebit = paymentMethodId.startsWith("pm_usBankAccount");
  return {
    paymentMethodId,
    amount,
    metadata: caller.metadata,
    ...(isDebit && { mandate: { type: "offline" } }),
    ...more,
  };
}

function authorized({ body }: Answer): string | null {
  return body.status === "requires_capture" ? (body.paymentIntentId ?? null) : null;
}

function succeeded({ body }: Answer): string | null {
  return body.status === "succeeded" ? (body.paymentIntentId ?? null) : null;
}
