/** How a refund is awaited. */
import type { AwaitedKind } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { judgeRefund, type RefundJudgement, type RefundSnapshot } from "./rules.ts";

export const awaitedRefund: AwaitedKind<RefundSnapshot, undefined, RefundJudgement> = {
  noun: "refund",
  read: readOwnRefund,
  async hang(call, refundId, callbackKey, address) {
    return await call.ask("hang the doorbell", (stripe) => stripe.hangRefundDoorbell(refundId, callbackKey, address));
  },
  async unhang(call, refundId, callbackKey) {
    await call.ask("take the doorbell off", (stripe) => stripe.hangRefundDoorbell(refundId, callbackKey, ""));
  },
  judge: judgeRefund,
};

/** Reads a refund that is known to exist. @throws TerminalError `needs_review` if it is gone */
export async function readOwnRefund(call: Call, refundId: string): Promise<RefundSnapshot> {
  const refund = await call.ask("read refund", (stripe) => stripe.readRefund(refundId));
  if (refund === null) throw failure("needs_review", `Stripe no longer knows the refund ${refundId}.`, { refundId });
  return refund;
}
