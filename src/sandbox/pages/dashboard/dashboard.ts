import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { html } from "hono/html";
import { z } from "zod";
import type { Parts } from "../../objects/parts.ts";
import { ControlError, deliverAgain, removeFault, setClock } from "../../control/control.ts";
import { faultOrders } from "../../world/faults.ts";
import { findObject } from "../../control/listedObjects.ts";
import { parseForm } from "../../http/parameters.ts";
import { deliveriesOf } from "../../control/traffic.ts";
import { actOn } from "./actions.ts";
import { CLOCK_UNITS } from "./clock.ts";
import { dashboardTop, liveContent, statusLine } from "./content.ts";
import { EFFECT_WORDS, explainField, faultForm, seedForm, type Typed } from "./faults.ts";
import { printTime } from "./table.ts";
import { readView } from "./view.ts";
import { type Html, sendFragment, sendPage } from "../page.ts";

/**
 * The sandbox's own page: what came in, what went out, and the buttons that the bank, the customer and the merchant have.
 * It asks for its content anew every second; each button's answer is a sentence for the status line.
 */
export function addDashboard(server: FastifyInstance, parts: Parts): void {
  server.get("/", async (request, reply) => {
    const view = readView(parts, request.query);
    const content = html`${statusLine} ${live(request, liveContent(view, origin(request)))}`;
    const top = dashboardTop(origin(request));
    const { object, event, view: list } = view.query;
    const title = object ?? event ?? list ?? "overview";
    return await sendPage(reply, 200, { title, top, content, script: "dashboard.js", isWide: true });
  });
  server.get("/_sandbox/page", async (request, reply) => {
    return sendFragment(reply, 200, await liveContent(readView(parts, request.query), origin(request)));
  });
  server.post<{ Params: { id: string; action: string } }>("/_sandbox/page/objects/:id/:action", (request, reply) =>
    say(reply, async () => {
      const { id, action } = request.params;
      const object = findObject(parts.store, id);
      if (object === null) throw new ControlError(404, `There is no object '${id}'.`);
      return await actOn(parts, object, action);
    }),
  );
  server.post<{ Params: { id: string } }>("/_sandbox/page/events/:id/resend", (request, reply) =>
    say(reply, async () => {
      const { id } = request.params;
      const count = await deliverAgain(parts, id);
      return count === 0
        ? `No endpoint listens to ${id}.`
        : `Sent ${id} again. ${describeDeliveries(parts, id, count)}`;
    }),
  );
  server.post<{ Params: { id: string; endpoint: string } }>(
    "/_sandbox/page/events/:id/deliver/:endpoint",
    (request, reply) =>
      say(reply, async () => {
        const { id, endpoint } = request.params;
        return `Delivered ${id} again. ${describeDeliveries(parts, id, await deliverAgain(parts, id, endpoint))}`;
      }),
  );
  addClockRoutes(server, parts);
  addFaultRoutes(server, parts);
}

function addClockRoutes(server: FastifyInstance, parts: Parts): void {
  server.post("/_sandbox/page/clock/halt", (_request, reply) =>
    say(reply, async () => {
      await setClock(parts, { mode: "virtual" });
      return `The clock stands still at ${printTime(parts.clock.now())}.`;
    }),
  );
  server.post("/_sandbox/page/clock/go", (_request, reply) =>
    say(reply, async () => {
      await setClock(parts, { mode: "real" });
      return `The clock goes on from ${printTime(parts.clock.now())}.`;
    }),
  );
  server.post("/_sandbox/page/clock/advance", (request, reply) =>
    say(reply, async () => {
      const { amount, unit } = readForm(request);
      const advance = z.coerce.number().int().min(1).max(100_000).safeParse(amount);
      const unitMs = (CLOCK_UNITS as Readonly<Record<string, number>>)[unit ?? ""];
      if (!advance.success || unitMs === undefined) {
        throw new ControlError(
          400,
          "The clock advances by a whole number of minutes, hours or days, from 1 to 100000.",
        );
      }
      await setClock(parts, { advanceMs: advance.data * unitMs });
      return `Advanced by ${advance.data} ${advance.data === 1 ? unit?.slice(0, -1) : unit}, and stands still at ${printTime(parts.clock.now())}.`;
    }),
  );
}

function addFaultRoutes(server: FastifyInstance, parts: Parts): void {
  const { faults } = parts;
  server.post("/_sandbox/page/faults", async (request, reply) => {
    const typed = readForm(request);
    const target = typed["target"] === "webhook" ? "webhook" : "api";
    const numbers = Object.fromEntries(
      ["count", "probability", "delayMs"].map((name) => [name, toNumber(typed[name])]),
    );
    const orders = faultOrders.safeParse({ ...typed, ...numbers });
    if (!orders.success) {
      const wrong = orders.error.issues.map(({ path }) => String(path.at(-1)));
      const errors = Object.fromEntries(wrong.map((name) => [name, explainField(name)]));
      return sendFragment(reply, 422, html`${faultForm(target, typed, errors)}`);
    }
    const [fault] = faults.add(orders.data);
    const words = fault === undefined ? "" : EFFECT_WORDS[fault.effect];
    return answer(reply, 200, `Switched on: ${words}.`, faultForm(target, typed, {}));
  });
  server.post<{ Params: { id: string } }>("/_sandbox/page/faults/:id/clear", (request, reply) =>
    say(reply, () => {
      removeFault(parts, request.params.id);
      return "Cleared the fault.";
    }),
  );
  server.delete("/_sandbox/page/faults", (_request, reply) =>
    say(reply, () => {
      faults.clear();
      return "Cleared all faults.";
    }),
  );
  server.post("/_sandbox/page/fault_seed", async (request, reply) => {
    const seed = z.int32().safeParse(toNumber(readForm(request)["seed"]));
    if (!seed.success) return sendFragment(reply, 422, seedForm(faults, explainField("seed")));
    faults.reseed(seed.data);
    return answer(reply, 200, `The faults' dice begin anew with seed ${seed.data}.`, seedForm(faults, null));
  });
}

/** What the latest deliveries of an event came to, in words. */
function describeDeliveries({ store }: Parts, eventId: string, count: number): string {
  const results = deliveriesOf(store, eventId, count).map(({ last_status: status, last_error: error }) =>
    typeof error === "string" ? error : `answered ${status}`,
  );
  return `${count === 1 ? "The endpoint" : `The ${count} endpoints`}: ${results.join("; ")}.`;
}

/** Does it and says so, or why not. */
async function say(reply: FastifyReply, act: () => Promise<string> | string): Promise<FastifyReply> {
  try {
    return await answer(reply, 200, await act());
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return await answer(reply, error.status, `Refused: ${error.message}`);
  }
}

/** A sentence for the status line, whatever else of the page changes with it; the lists are asked for at once. */
async function answer(
  reply: FastifyReply,
  status: number,
  text: string,
  content: Html | null = null,
): Promise<FastifyReply> {
  reply.header("HX-Trigger", "sandbox-changed");
  const time = new Date().toISOString().slice(11, 19);
  const mood = status < 400 ? "good" : "bad";
  const sentence = html`<p hx-swap-oob="innerHTML:#status">
    <span class="${mood}"><small>${time}</small> ${text}</span>
  </p>`;
  return sendFragment(reply, status, html`${sentence}${content}`);
}

function live(request: FastifyRequest, content: Html): Html {
  const query = new URL(request.url, "http://sandbox").search;
  return html`<div
    id="live"
    hx-get="/_sandbox/page${query}"
    hx-trigger="every 1s, sandbox-changed from:body"
    hx-swap="innerMorph"
    hx-sync="this:queue last"
  >
    ${content}
  </div>`;
}

function origin({ headers }: FastifyRequest): string {
  return URL.parse(`http://${headers.host}`)?.origin ?? "http://127.0.0.1";
}

function readForm({ body }: FastifyRequest): Typed {
  const form = parseForm(typeof body === "string" ? body : "");
  return Object.fromEntries(
    Object.entries(form).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** An empty field is no number, not zero. */
function toNumber(text: string | undefined): number {
  return text === undefined || text.trim() === "" ? Number.NaN : Number(text);
}
