import type { Context } from "@restatedev/restate-sdk";
import { waiterCallbackKey } from "../stripe/metadata.ts";
import { judgeSetup, provesSetupAttempt, type SetupSnapshot } from "./rules.ts";
import { failure } from "../durable/failures.ts";
import type { AwaitSetupRequest, SetupOutcome } from "./contract.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { readNamedSetup } from "./readSetup.ts";
import { setupAnswer } from "./outcome.ts";
import { hangSetupDoorbell, startSetupWait } from "./object.ts";
import { createDoorbell } from "../durable/wait.ts";

/** Waits for the outcome of any SetupIntent, also through its customer's action. It never cancels. */
export async function awaitSetup(
  ctx: Context,
  options: PaymentsOptions,
  request: AwaitSetupRequest,
): Promise<SetupOutcome> {
  const { stripe, pollScheduleMs } = options;
  const { setupIntentId } = request;
  let attempted = false;
  const judge = (seen: SetupSnapshot) => {
    const judgement = judgeSetup(seen, { attempted, customer: "wait" });
    attempted ||= provesSetupAttempt(seen);
    return judgement;
  };

  const found = await readNamedSetup(ctx, stripe, setupIntentId);
  const first = judge(found);
  if (first.kind !== "pending") return setupAnswer({ setup: found, decision: first, settledBy: "poll" });

  const doorbell = createDoorbell(ctx);
  const callbackKey = waiterCallbackKey(ctx.request().id);
  const hung = await hangSetupDoorbell(ctx, stripe, setupIntentId, callbackKey, doorbell);
  const second = judge(hung);
  if (second.kind !== "pending") return setupAnswer({ setup: hung, decision: second, settledBy: "poll" });

  const deadlineMs = timeoutMsOf(request, options);
  const wait = startSetupWait(ctx, stripe, { setupIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
  for (;;) {
    const { wake, seen: setup } = await wait.next((latest) => judge(latest).kind === "pending");
    const judgement = judge(setup);
    const settledBy = wake === "webhook" ? "webhook" : "poll";
    if (judgement.kind !== "pending") return setupAnswer({ setup, decision: judgement, settledBy });
    const details = { setupIntentId, compensation: "none" } as const;
    if (wake === "deadline") {
      throw failure("timed_out", "The set-up is still pending; it was left as it is.", details);
    }
    if (wake === "cancellation") {
      throw failure("canceled", "The wait was cancelled; the set-up was left as it is.", details);
    }
  }
}
