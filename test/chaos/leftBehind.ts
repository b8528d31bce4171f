/** M4: when everything is over, and the short retention of the end of a run has passed, the engine has nothing left of it. */
import { readKey } from "../../src/merchants/rules.ts";
import { referenceKey } from "../../src/orders/interface.ts";
import { accountOfReconciler } from "../../src/webhooks/interface.ts";
import { addressee, type Books } from "./books.ts";
import type { Kept, MerchantRecord, RunRecord, Timer } from "./records.ts";
import { Findings, type Verdict } from "./verdict.ts";

export function nothingIsLeftBehind({ calls, leftovers, merchants }: RunRecord, books: Books): Verdict {
  const findings = new Findings("M4", "no state and no timer is left when the retention has passed");
  const { sinceMs, states, timers, timersBefore } = leftovers;
  const used = calls.filter(({ sentAtMs, body }) => sentAtMs >= sinceMs && body["reference"] !== undefined);
  const over = new Set(
    used
      .filter(({ payment }) => isOver(payment, books))
      .map((call) => referenceKey(addressee(call), String(call.body["reference"]))),
  );
  const told = new Set(merchants.filter(({ isTold }) => isTold).map(({ id }) => id));
  // It is remembered for half a year what a merchant was told.
  const isMemory = ({ service, key }: Kept) => service === "paymentNotifier" && told.has(readKey(key).account.merchant);
  for (const { service, key } of states) {
    // The installation's identity is for ever.
    const isForEver = service === "installation" || isReconciler({ service, key }, merchants);
    const isDue = service === "paymentReference" ? over.has(key) : !isForEver && !isMemory({ service, key });
    findings.check(null, isDue ? `${service} ${key} still has a state.` : null);
  }
  for (const timer of timers) {
    // A reference whose payment can still come to something asks again and again.
    const isLasting = isMemory(timer) || (timer.service === "paymentReference" && !over.has(timer.key));
    const isExpected = (isLasting && timer.handler === "forget") || isSchedule(timer, merchants);
    findings.check(null, isExpected ? null : `${nameOf(timer)} is still to come.`);
  }
  for (const [name, same] of Map.groupBy(timersBefore, (timer) => `${nameOf(timer)} (${timer.timer ?? "unnamed"})`)) {
    findings.check(null, same.length === 1 ? null : `${name} is scheduled ${same.length} times.`);
  }
  findings.check(null, used.length > 0 ? null : "No reference was used while the retention was short.");
  return findings.verdict();
}

/** Whether nothing can come of a reference's payments any more, and nobody has to look at them. */
function isOver(name: string, books: Books): boolean {
  const answers = books.callsOf(name).map(({ answer }) => answer?.body.metadata?.reason);
  const isFinal = books
    .paymentsOf(name)
    .every(({ status }) => ["succeeded", "canceled", "requires_payment_method"].includes(status));
  return isFinal && !answers.includes("needs_review") && answers.at(-1) !== "conflict";
}

/** The next run of a merchant's reconciler, and of that of a connected account, which also looks a last time for an account that left. */
function isSchedule(timer: Timer, merchants: readonly MerchantRecord[]): boolean {
  if (!isReconciler(timer, merchants)) return false;
  const isConnected = accountOfReconciler(timer.key)?.stripeAccount !== null;
  return timer.handler === (isConnected ? "reconcile" : "tick");
}

/** Of a merchant's own account, or of one that is connected to it. */
function isReconciler({ service, key }: Kept, merchants: readonly MerchantRecord[]): boolean {
  const account = service === "webhookReconciler" ? accountOfReconciler(key) : null;
  const merchant = merchants.find(({ id }) => id === account?.merchant);
  if (account === null || merchant === undefined) return false;
  return account.stripeAccount === null || merchant.connected.includes(account.stripeAccount);
}

function nameOf({ service, key, handler }: Timer): string {
  return `${service}/${handler} of ${key}`;
}
