import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Parts } from "./api.ts";
import { DAY_MS } from "./clock.ts";
import { faultOrders } from "./faults.ts";
import { settleRefund } from "./refunds.ts";
import { authorizePayment, type ForcedOutcome, settlePayment, settleVoucher } from "./settlement.ts";
import { authorizeSetup } from "./setupIntents.ts";
import type { UnitOfWork } from "./unitOfWork.ts";
import { endpointsFor, findEndpoint, rollSecret } from "./webhookEndpoints.ts";

/**
 * What Stripe has no API for: faults on order, the bank's and the customer's decisions, and a look at what came in and
 * went out. JSON both ways, under `/_sandbox`.
 */
export const outcomeSchema = z.enum(["succeeded", "failed"]);
const settleOrder = z.strictObject({ id: z.string(), outcome: outcomeSchema.optional() });
const authorizeOrder = z.strictObject({ id: z.string(), outcome: outcomeSchema });
/** Stripe lets an old secret live for a day at most. */
const rollOrder = z.strictObject({ expiresInMs: z.int().min(0).max(DAY_MS).default(DAY_MS) });
const seedOrder = z.strictObject({ seed: z.int32() });
const clockOrder = z
  .strictObject({
    mode: z.enum(["real", "virtual"]).optional(),
    advanceMs: z.int().min(0).optional(),
    to: z.int().optional(),
  })
  .refine(({ advanceMs, to }) => advanceMs === undefined || to === undefined, "Give `advanceMs` or `to`, not both.");
const requestFilter = z.strictObject({ path: z.string().optional(), method: z.string().optional() });

/** A request to the control API that can't be met, with the reason in words. */
export class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Answer = (request: FastifyRequest) => unknown;

export function addControlRoutes(server: FastifyInstance, parts: Parts): void {
  const { faults } = parts;
  const routes: readonly (readonly ["GET" | "POST" | "DELETE", string, Answer])[] = [
    ["GET", "/_sandbox/health", () => ({ ok: true })],
    ["POST", "/_sandbox/faults", (request) => faults.add(parse(faultOrders, readJson(request)))],
    ["GET", "/_sandbox/faults", () => faults.list()],
    ["DELETE", "/_sandbox/faults", () => faults.clear()],
    ["GET", "/_sandbox/clock", () => showClock(parts)],
    ["POST", "/_sandbox/clock", (request) => setClock(parts, parse(clockOrder, readJson(request)))],
    ["GET", "/_sandbox/fault_seed", () => ({ seed: faults.seed })],
    [
      "POST",
      "/_sandbox/fault_seed",
      (request) => {
        faults.reseed(parse(seedOrder, readJson(request)).seed);
        return { seed: faults.seed };
      },
    ],
    ["POST", "/_sandbox/settle", (request) => settle(parts, parse(settleOrder, readJson(request)))],
    ["POST", "/_sandbox/authorize", (request) => authorize(parts, parse(authorizeOrder, readJson(request)))],
    ["GET", "/_sandbox/requests", (request) => listRequests(parts, parse(requestFilter, request.query))],
    ["GET", "/_sandbox/deliveries", () => listDeliveries(parts)],
    [
      "POST",
      "/_sandbox/events/:id/deliver",
      async (request) => {
        const { id } = request.params as { readonly id: string };
        await deliverAgain(parts, id);
        return { delivered: id };
      },
    ],
    [
      "POST",
      "/_sandbox/webhook_endpoints/:id/roll",
      async (request) => {
        const { id } = request.params as { readonly id: string };
        return await roll(parts, id, parse(rollOrder, readJson(request)).expiresInMs);
      },
    ],
  ];
  for (const [method, url, answer] of routes) {
    server.route({ method, url, handler: async (request, reply) => await answerOrExplain(answer, request, reply) });
  }
}

async function answerOrExplain(answer: Answer, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  try {
    return reply.send(await answer(request));
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return reply.code(error.status).send({ error: { message: error.message } });
  }
}

export async function settle(parts: Parts, { id, outcome }: z.output<typeof settleOrder>): Promise<unknown> {
  const forced = outcome ?? null;
  return await changeObject(
    parts,
    id,
    (unit) => settlePayment(unit, id, forced) || settleVoucher(unit, id, forced) || settleRefund(unit, id, forced),
    `'${id}' has nothing to settle: it must be a processing PaymentIntent, one that waits for its voucher, or a pending refund.`,
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
async function setClock(parts: Parts, { mode, advanceMs, to }: z.output<typeof clockOrder>): Promise<unknown> {
  const { clock, deliveries } = parts;
  if (to !== undefined && to < clock.now()) throw new ControlError(409, "Time doesn't go back.");
  if (to !== undefined || advanceMs !== undefined) {
    await clock.moveTo(to ?? clock.now() + (advanceMs ?? 0), () => deliveries.idle());
  }
  if (mode !== undefined) await clock.switchTo(mode);
  return showClock(parts);
}

function showClock({ clock }: Parts): unknown {
  return { mode: clock.mode, nowMs: clock.now(), now: toIso(clock.now()) };
}

/** To every endpoint that listens, whatever became of it before; resolves when they have answered. */
async function deliverAgain({ store, ledger, deliveries }: Parts, id: string): Promise<void> {
  const event = store.row("SELECT account, type FROM events WHERE id = ?", id);
  if (event === undefined) throw new ControlError(404, `There is no event '${id}'.`);
  const account = String(event["account"]);
  const unit = ledger.begin(account);
  unit.resend(id, endpointsFor(store, account, String(event["type"])));
  await deliveries.dispatch(await ledger.commit(unit));
}

/** What Stripe's dashboard does: a new secret, with the old one signing beside it for a while. */
async function roll({ store, clock }: Parts, id: string, expiresInMs: number): Promise<unknown> {
  const endpoint = findEndpoint(store, id);
  if (endpoint === undefined) throw new ControlError(404, `There is no webhook endpoint '${id}'.`);
  const untilMs = clock.now() + expiresInMs;
  const secret = await store.write(() => rollSecret(store, endpoint, untilMs));
  return { id, secret, oldSecretExpires: toIso(untilMs) };
}

function listRequests({ store }: Parts, { path, method }: z.output<typeof requestFilter>): unknown {
  const rows = store.rows(
    `SELECT id, at_ms, account, method, path, idempotency_key, status, replayed FROM requests
     WHERE path = coalesce(?, path) AND method = coalesce(upper(?), method) ORDER BY seq`,
    path ?? null,
    method ?? null,
  );
  return rows.map((row) => ({
    id: row["id"],
    time: toIso(row["at_ms"]),
    account: row["account"],
    method: row["method"],
    path: row["path"],
    idempotencyKey: row["idempotency_key"],
    /** Null when the connection was cut. */
    status: row["status"],
    replayed: row["replayed"] === 1,
  }));
}

function listDeliveries({ store }: Parts): unknown {
  const rows = store.rows(
    `SELECT deliveries.*, events.type FROM deliveries JOIN events ON events.id = event_id ORDER BY deliveries.id`,
  );
  return rows.map((row) => ({
    eventId: row["event_id"],
    eventType: row["type"],
    endpoint: row["endpoint_id"],
    state: row["state"],
    attempts: row["attempts"],
    lastStatus: row["last_status"],
    lastError: row["last_error"],
    nextAttempt: toIso(row["next_attempt_at_ms"]),
  }));
}

function toIso(timeMs: unknown): string | null {
  return typeof timeMs === "number" ? new Date(timeMs).toISOString() : null;
}

function readJson(request: FastifyRequest): unknown {
  try {
    return JSON.parse(typeof request.body === "string" ? request.body : "");
  } catch {
    throw new ControlError(400, "The body is not JSON.");
  }
}

export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}
