/** How a SetupIntent is awaited. */
import type { AwaitedKind } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import type { Standpoint } from "../payments/rules/payment.ts";
import { judgeSetup, type SetupJudgement, type SetupSnapshot } from "./rules.ts";

export const awaitedSetup: AwaitedKind<SetupSnapshot, Standpoint, SetupJudgement> = {
  noun: "SetupIntent",
  read: readOwnSetup,
  async hang(call, setupIntentId, callbackKey, address) {
    const hung = await call.ask("hang the doorbell", (stripe) =>
      stripe.hangSetupDoorbell(setupIntentId, callbackKey, address),
    );
    return hung.kind === "setup" ? { kind: "hung", seen: hung.setup } : hung;
  },
  async unhang(call, setupIntentId, callbackKey) {
    await call.ask("take the doorbell off", (stripe) => stripe.hangSetupDoorbell(setupIntentId, callbackKey, ""));
  },
  judge: judgeSetup,
};

/** Reads a SetupIntent that the caller named. @throws TerminalError `not_found` */
export async function readNamedSetup(call: Call, setupIntentId: string): Promise<SetupSnapshot> {
  const read = await call.ask("read SetupIntent", (stripe) => stripe.readSetup(setupIntentId));
  if (read.kind === "setup") return read.setup;
  throw failure("not_found", `Stripe knows no SetupIntent ${setupIntentId}.`, { setupIntentId });
}

/** Reads a SetupIntent that is known to exist. @throws TerminalError `needs_review` if it is gone */
export async function readOwnSetup(call: Call, setupIntentId: string): Promise<SetupSnapshot> {
  const read = await call.ask("read SetupIntent", (stripe) => stripe.readSetup(setupIntentId));
  if (read.kind === "setup") return read.setup;
  const message = `Stripe no longer knows the SetupIntent: ${read.refusal.message}`;
  throw failure("needs_review", message, { setupIntentId });
}
