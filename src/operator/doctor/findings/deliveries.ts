/** Do Stripe's webhooks arrive, and are they taken? */
import { formatDuration } from "../../../config/duration.ts";
import type { SeenDeliveries, SeenEvent } from "../../../stripe/inspection.ts";
import { ok, warning, withDetails, wrong, type Finding } from "./finding.ts";

const check = "webhook deliveries";

/** Webhooks that the service has answered with a failure of late, as the engine still knows. */
export type SeenRefusals = {
  readonly count: number;
  /** What the last of them was answered. */
  readonly message: string;
};

export type DeliveriesQuestion = SeenDeliveries & {
  readonly refusals: SeenRefusals | null;
  /** The setting that holds the signing secrets. */
  readonly secrets: string;
  readonly nowMs: number;
};

/** Stripe's first attempt comes within seconds; what is younger may be on its way. */
const onItsWayMs = 60_000;

/** Older refusals say nothing about now. */
export const refusalsMatterMs = 15 * 60_000;

export function judgeDeliveries(question: DeliveriesQuestion): readonly Finding[] {
  const { delivered, undelivered, refusals, secrets, nowMs } = question;
  const [lastDelivered] = delivered;
  const late = undelivered.filter(({ isPending, createdAtMs }) => !isPending || nowMs - createdAtMs > onItsWayMs);
  const ago = (event: SeenEvent) => `${event.type} ${event.id}, ${formatDuration(nowMs - event.createdAtMs)} ago`;
  const last =
    lastDelivered === undefined ? "none was delivered in 30 days" : `the last delivered one: ${ago(lastDelivered)}`;
  // What Stripe still tries, or has just given up, is what was refused.
  const tried = undelivered.filter(({ isPending, createdAtMs }) => isPending || nowMs - createdAtMs < refusalsMatterMs);
  if (refusals !== null && tried.length > 0) return [refusedBy(refusals, tried, last, secrets)];

  const [lastLate] = late;
  const stray = refusals === null ? [] : [refusedStrangers(refusals)];
  if (lastLate === undefined) {
    const none = "No webhook has failed; none of these types was sent in 30 days.";
    return [ok(check, lastDelivered === undefined ? none : `Webhooks arrive; ${last}.`), ...stray];
  }
  const details = [`last failed: ${ago(lastLate)}${lastLate.isPending ? ", still tried" : ", given up"}`, last];
  const stillFails = lastDelivered === undefined || lastLate.createdAtMs > lastDelivered.createdAtMs;
  if (stillFails) {
    const message = `Webhooks don't arrive: ${counted(late)} could not be delivered, and none was since. Payments end by polling meanwhile.`;
    const why =
      "See why at https://dashboard.stripe.com/webhooks (in the sandbox: its page); let Stripe reach POST /payments/processWebhook of the ingress";
    return [withDetails(wrong(check, message, why, resend(lastLate)), details), ...stray];
  }
  const message = `Webhooks arrive, but ${counted(late)} of the last 30 days could not be delivered. Payments have ended by polling; later changes may have gone unnoticed.`;
  return [withDetails(warning(check, message, resend(lastLate)), details), ...stray];
}

function refusedBy(
  { count, message }: SeenRefusals,
  undelivered: readonly SeenEvent[],
  last: string,
  secrets: string,
): Finding {
  const what = `The service refuses Stripe's webhooks: ${times(count)} of late, and ${counted(undelivered)} ${undelivered.length === 1 ? "is" : "are"} undelivered. Payments end by polling meanwhile.`;
  const [event] = undelivered;
  return withDetails(
    wrong(
      check,
      what,
      `Set ${secrets} where the service runs to the signing secret of the endpoint (several while one is rolled), and restart the service`,
      "Stripe goes on trying for three days; what it gave up is sent again by the command below",
      ...(event === undefined ? [] : [resend(event)]),
    ),
    [message, last],
  );
}

/** Anybody may post to an address that is open to Stripe. */
function refusedStrangers({ count, message }: SeenRefusals): Finding {
  const about = warning(
    check,
    `The service has refused a webhook ${times(count)} of late; Stripe has nothing undelivered, so it was somebody else, or has been mended.`,
    "See that nobody but Stripe is let through to it, if this goes on",
  );
  return withDetails(about, [message]);
}

function resend({ id }: SeenEvent): string {
  return `npx stripe events resend ${id} --webhook-endpoint <we_…>`;
}

function counted(events: readonly SeenEvent[]): string {
  // One page of events was read.
  const count = events.length >= 100 ? "100 or more" : String(events.length);
  return `${count} ${events.length === 1 ? "event" : "events"}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
