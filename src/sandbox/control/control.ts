import { z } from "zod";
import type { SandboxApp, SandboxContext } from "../http/app.ts";
import { readText } from "../http/body.ts";
import { replyJson } from "../http/replies.ts";
import type { Parts } from "../objects/parts.ts";
import { DAY_MS } from "../world/clock.ts";
import { faultOrders } from "../world/faults.ts";
import { limitsOrder } from "../world/limits.ts";
import { deauthorize, deauthorizeOrder, onboard, onboardOrder } from "./connect.ts";
import { ControlError, parse } from "./controlError.ts";
import {
  authorize,
  authorizeOrder,
  clockOrder,
  deliverAgain,
  dispute,
  disputeOrder,
  removeFault,
  roll,
  setClock,
  settle,
  settleOrder,
  showClock,
} from "./interventions.ts";
import { listDeliveries, listRequests } from "./traffic.ts";

/**
 * The API for all that Stripe has no API for: faults on order, the bank's and the customer's decisions, and the list of
 * what came in and went out. JSON both ways, under `/_sandbox`.
 */
/** Stripe lets an old secret live for a day at most. */
const rollOrder = z.strictObject({ expiresInMs: z.int().min(0).max(DAY_MS).default(DAY_MS) });
const seedOrder = z.strictObject({ seed: z.int32() });
const requestFilter = z.strictObject({ path: z.string().optional(), method: z.string().optional() });

type Answer = (context: SandboxContext) => unknown;

export function addControlRoutes(app: SandboxApp, parts: Parts): void {
  const { faults, limits } = parts;
  const routes: readonly (readonly ["GET" | "POST" | "DELETE", string, Answer])[] = [
    ["GET", "/_sandbox/health", () => ({ ok: true })],
    ["POST", "/_sandbox/faults", async (context) => faults.add(parse(faultOrders, await readJson(context)))],
    ["GET", "/_sandbox/faults", () => faults.list()],
    ["DELETE", "/_sandbox/faults", () => faults.clear()],
    ["DELETE", "/_sandbox/faults/:id", (context) => removeFault(parts, idIn(context))],
    ["GET", "/_sandbox/limits", () => limits.current],
    ["POST", "/_sandbox/limits", async (context) => limits.set(parse(limitsOrder, await readJson(context)))],
    ["DELETE", "/_sandbox/limits", () => limits.set(null)],
    ["GET", "/_sandbox/clock", () => showClock(parts)],
    ["POST", "/_sandbox/clock", async (context) => setClock(parts, parse(clockOrder, await readJson(context)))],
    ["GET", "/_sandbox/fault_seed", () => ({ seed: faults.seed })],
    [
      "POST",
      "/_sandbox/fault_seed",
      async (context) => {
        faults.reseed(parse(seedOrder, await readJson(context)).seed);
        return { seed: faults.seed };
      },
    ],
    ["POST", "/_sandbox/settle", async (context) => settle(parts, parse(settleOrder, await readJson(context)))],
    [
      "POST",
      "/_sandbox/authorize",
      async (context) => authorize(parts, parse(authorizeOrder, await readJson(context))),
    ],
    ["POST", "/_sandbox/dispute", async (context) => dispute(parts, parse(disputeOrder, await readJson(context)))],
    ["POST", "/_sandbox/onboard", async (context) => onboard(parts, parse(onboardOrder, await readJson(context)))],
    [
      "POST",
      "/_sandbox/deauthorize",
      async (context) => deauthorize(parts, parse(deauthorizeOrder, await readJson(context))),
    ],
    ["GET", "/_sandbox/requests", (context) => listRequests(parts.store, parse(requestFilter, context.req.query()))],
    ["GET", "/_sandbox/deliveries", () => listDeliveries(parts.store)],
    [
      "POST",
      "/_sandbox/events/:id/deliver",
      async (context) => {
        await deliverAgain(parts, idIn(context));
        return { delivered: idIn(context) };
      },
    ],
    [
      "POST",
      "/_sandbox/webhook_endpoints/:id/roll",
      async (context) => await roll(parts, idIn(context), parse(rollOrder, await readJson(context)).expiresInMs),
    ],
  ];
  for (const [method, path, answer] of routes) {
    app.on(method, path, async (context) => await answerOrExplain(answer, context));
  }
}

async function answerOrExplain(answer: Answer, context: SandboxContext): Promise<Response> {
  try {
    return replyJson(200, JSON.stringify(await answer(context)));
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return replyJson(error.status, JSON.stringify({ error: { message: error.message } }));
  }
}

function idIn(context: SandboxContext): string {
  return context.req.param("id") ?? "";
}

async function readJson(context: SandboxContext): Promise<unknown> {
  const text = await readText(context);
  try {
    return JSON.parse(text);
  } catch {
    throw new ControlError(400, "The body is not JSON.");
  }
}
