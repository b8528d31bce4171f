import type { Stripe } from "stripe";
import { z } from "zod";
import { authorizeSetup, settleSetup } from "../objects/methods/setupIntents.ts";
import type { Parts } from "../objects/parts.ts";
import { disputePayment, DISPUTE_REASONS, settleDispute } from "../objects/payments/disputes.ts";
import { settleRefund } from "../objects/payments/refunds.ts";
import { authorizePayment, type ForcedOutcome, settlePayment, settleVoucher } from "../objects/payments/settlement.ts";
import { endpointsFor, findEndpoint, rollSecret, type WebhookEndpoint } from "../webhooks/webhookEndpoints.ts";
import type { Store } from "../world/store.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";
import { ControlError } from "./controlError.ts";
import { toIso } from "./traffic.ts";

/** Interventions from outside Stripe's API: by the customer, the bank, the clock, and the person who debugs. */
export const outcomeSchema = z.enum(["succeeded", "failed"]);
export const settleOrder = z.strictObject({ id: z.string(), outcome: outcomeSchema.optional() });
export const authorizeOrder = z.strictObject({ id: z.string(), outcome: outcomeSchema });
export const disputeOrder = z.strictObject({ id: z.string(), reason: z.enum(DISPUTE_REASONS).optional() });
/** Time moves through every alarm on its way, each day's cleaning among them, so it must have an end. */
const LATEST_MS = Date.UTC(2100, 0, 1);

export const clockOrder = z
  .strictObject({
    mode: z.enum(["real", "virtual"]).optional(),
    advanceMs: z.int().min(0).max(LATEST_MS).optional(),
    to: z.int().min(0).max(LATEST_MS).optional(),
  })
  .refine(({ advanceMs, to }) => advanceMs === undefined || to === undefined, "Give `advanceMs` or `to`, not both.");

const settlers = [settlePayment, settleVoucher, settleRefund, settleSetup, settleDispute];

export async function settle(parts: Parts, { id, outcome }: z.output<typeof settleOrder>): Promise<unknown> {
  const forced = outcome ?? null;
  return await changeObject(
    parts,
    id,
    (unit) => settlers.some((settleIt) => settleIt(unit, id, forced)),
    `'${id}' has nothing to settle: it must be a processing PaymentIntent or SetupIntent, one that waits for its voucher, a pending refund or an open dispute.`,
  );
}

export async function authorize(
  parts: Parts,
  order: { readonly id: string; readonly outcome: ForcedOutcome },
): Promise<unknown> {
  const { id, outcome } = order;
  const refusal = `'${id}' doesn't wait for its customer: it must be a PaymentIntent in requires_action.`;
  return await changeObject(
    parts,
    id,
    (unit) => authorizePayment(unit, id, outcome) || authorizeSetup(unit, id, outcome),
    refusal,
  );
}

/** The customer's bank takes the money back; gives the new Dispute. */
export async function dispute(parts: Parts, { id, reason }: z.output<typeof disputeOrder>): Promise<unknown> {
  const opened: Stripe.Dispute[] = [];
  await changeObject(
    parts,
    id,
    (unit) => {
      opened.push(...disputePayment(unit, id, reason ?? null));
      return opened.length > 0;
    },
    `'${id}' can't be disputed: it must be a captured Charge that succeeded, or its PaymentIntent, without a dispute yet.`,
  );
  return opened[0];
}

export function removeFault({ faults }: Parts, id: string): unknown {
  if (!faults.remove(id)) throw new ControlError(404, `There is no fault '${id}': it may be used up.`);
  return faults.list();
}

/** Gives the object after the change; 404 when there is none, 409 when the change doesn't apply to it. */
async function changeObject(
  { store, ledger, deliveries }: Parts,
  id: string,
  change: (unit: UnitOfWork) => boolean,
  refusal: string,
): Promise<unknown> {
  const account = store.row("SELECT account FROM objects WHERE id = ?", id)?.["account"];
  if (account === undefined) throw new ControlError(404, `There is no object '${id}'.`);
  const unit = ledger.begin(String(account));
  if (!change(unit)) throw new ControlError(409, refusal);
  await deliveries.dispatch(await ledger.commit(unit));
  return JSON.parse(String(store.row("SELECT body FROM objects WHERE id = ?", id)?.["body"])) as unknown;
}

/**
 * `{"mode": "virtual"}` halts time, `{"mode": "real"}` lets it go on from where it is. `{"advanceMs": 604800000}` and
 * `{"to": 1790000000000}` (Unix milliseconds) move it, which makes it virtual, and are answered when everything that is due
 * by then has happened: settlements, expiries, webhooks and their retries.
 */
export async function setClock(parts: Parts, { mode, advanceMs, to }: z.output<typeof clockOrder>): Promise<unknown> {
  const { clock, deliveries } = parts;
  if (to !== undefined || advanceMs !== undefined) {
    const nowMs = clock.now();
    const targetMs = to ?? nowMs + (advanceMs ?? 0);
    if (targetMs < nowMs) throw new ControlError(409, "Time doesn't go back.");
    if (targetMs > LATEST_MS) throw new ControlError(400, `Time goes no further than ${toIso(LATEST_MS)}.`);
    await clock.moveTo(targetMs, () => deliveries.idle());
  }
  if (mode !== undefined) await clock.switchTo(mode);
  return showClock(parts);
}

export function showClock({ clock }: Parts): unknown {
  return { mode: clock.mode, nowMs: clock.now(), now: toIso(clock.now()) };
}

/**
 * To every endpoint that listens, or only to the one named, whatever became of it before; resolves when they have answered,
 * with how many they are.
 */
export async function deliverAgain(
  { store, ledger, deliveries }: Parts,
  id: string,
  endpointId: string | null = null,
): Promise<number> {
  const event = store.row("SELECT account, type FROM events WHERE id = ?", id);
  if (event === undefined) throw new ControlError(404, `There is no event '${id}'.`);
  const account = String(event["account"]);
  const unit = ledger.begin(account);
  const endpoints =
    endpointId === null
      ? endpointsOf(store, id, account, String(event["type"]))
      : [endpointThatTakes(store, endpointId)];
  unit.resend(
    id,
    endpoints.map(({ shown }) => shown.id),
  );
  await deliveries.dispatch(await ledger.commit(unit));
  return endpoints.length;
}

/** The endpoints that listen now; for an event of an account that has left, those that it was sent to. */
function endpointsOf(store: Store, id: string, account: string, type: string): readonly WebhookEndpoint[] {
  const listening = endpointsFor(store, account, type);
  if (listening.length > 0) return listening;
  const sent = store.rows("SELECT DISTINCT endpoint_id FROM deliveries WHERE event_id = ?", id);
  return sent
    .flatMap((row) => findEndpoint(store, String(row["endpoint_id"])) ?? [])
    .filter(({ shown }) => shown.status === "enabled");
}

function endpointThatTakes(store: Store, id: string): WebhookEndpoint {
  const endpoint = findEndpoint(store, id);
  if (endpoint === undefined) throw new ControlError(404, `There is no webhook endpoint '${id}' any more.`);
  if (endpoint.shown.status === "enabled") return endpoint;
  throw new ControlError(409, `The webhook endpoint '${id}' is disabled.`);
}

/** Rolls the secret as Stripe's dashboard does: the old secret signs beside the new one for a while. */
export async function roll({ store, clock }: Parts, id: string, expiresInMs: number): Promise<unknown> {
  const endpoint = findEndpoint(store, id);
  if (endpoint === undefined) throw new ControlError(404, `There is no webhook endpoint '${id}'.`);
  const untilMs = clock.now() + expiresInMs;
  const secret = await store.write(() => rollSecret(store, endpoint, untilMs));
  return { id, secret, oldSecretExpires: toIso(untilMs) };
}
