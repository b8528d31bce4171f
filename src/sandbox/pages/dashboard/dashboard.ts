import type { SandboxApp, SandboxContext } from "../../http/app.ts";
import { html } from "hono/html";
import { z } from "zod";
import type { Parts } from "../../objects/parts.ts";
import { ControlError } from "../../control/controlError.ts";
import { deliverAgain, removeFault, setClock } from "../../control/interventions.ts";
import { faultOrders } from "../../world/faults.ts";
import { findObject } from "../../control/listedObjects.ts";
import { readFields } from "../../http/body.ts";
import { deliveriesOf } from "../../control/traffic.ts";
import { actOn } from "./actions.ts";
import { CLOCK_UNITS } from "./clock.ts";
import { dashboardTop, liveContent, statusLine } from "./content.ts";
import { EFFECT_WORDS, explainField, faultForm, seedForm } from "./faults.ts";
import { printTime } from "./table.ts";
import { readView } from "./view.ts";
import { type Html, sendFragment, sendPage } from "../page.ts";

/**
 * The sandbox's own page: requests, objects, events and deliveries, and the buttons of the bank, the customer and the
 * merchant. The page asks for its content anew every second; each button's answer is a sentence for the status line.
 */
export function addDashboard(app: SandboxApp, parts: Parts): void {
  app.get("/", async (context) => {
    const view = readView(parts, context.req.query());
    const content = html`${statusLine} ${live(context, liveContent(view, origin(context)))}`;
    const top = dashboardTop(origin(context));
    const { object, event, view: list } = view.query;
    const title = object ?? event ?? list ?? "overview";
    return await sendPage(200, { title, top, content, script: "dashboard.js", isWide: true });
  });
  app.get("/_sandbox/page", async (context) => {
    return sendFragment(200, await liveContent(readView(parts, context.req.query()), origin(context)));
  });
  app.post("/_sandbox/page/objects/:id/:action", (context) =>
    say(async () => {
      const id = context.req.param("id");
      const action = context.req.param("action");
      const object = findObject(parts.store, id);
      if (object === null) throw new ControlError(404, `There is no object '${id}'.`);
      return await actOn(parts, object, action);
    }),
  );
  app.post("/_sandbox/page/events/:id/resend", (context) =>
    say(async () => {
      const id = context.req.param("id");
      const count = await deliverAgain(parts, id);
      return count === 0
        ? `No endpoint listens to ${id}.`
        : `Sent ${id} again. ${describeDeliveries(parts, id, count)}`;
    }),
  );
  app.post("/_sandbox/page/events/:id/deliver/:endpoint", (context) =>
    say(async () => {
      const id = context.req.param("id");
      const endpoint = context.req.param("endpoint");
      return `Delivered ${id} again. ${describeDeliveries(parts, id, await deliverAgain(parts, id, endpoint))}`;
    }),
  );
  addClockRoutes(app, parts);
  addFaultRoutes(app, parts);
}

function addClockRoutes(app: SandboxApp, parts: Parts): void {
  app.post("/_sandbox/page/clock/halt", () =>
    say(async () => {
      await setClock(parts, { mode: "virtual" });
      return `The clock stands still at ${printTime(parts.clock.now())}.`;
    }),
  );
  app.post("/_sandbox/page/clock/go", () =>
    say(async () => {
      await setClock(parts, { mode: "real" });
      return `The clock goes on from ${printTime(parts.clock.now())}.`;
    }),
  );
  app.post("/_sandbox/page/clock/advance", (context) =>
    say(async () => {
      const { amount, unit } = await readFields(context);
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

function addFaultRoutes(app: SandboxApp, parts: Parts): void {
  const { faults } = parts;
  app.post("/_sandbox/page/faults", async (context) => {
    const typed = await readFields(context);
    const target = typed["target"] === "webhook" ? "webhook" : "api";
    const numbers = Object.fromEntries(
      ["count", "probability", "delayMs"].map((name) => [name, toNumber(typed[name])]),
    );
    const orders = faultOrders.safeParse({ ...typed, ...numbers });
    if (!orders.success) {
      const wrong = orders.error.issues.map(({ path }) => String(path.at(-1)));
      const errors = Object.fromEntries(wrong.map((name) => [name, explainField(name)]));
      return sendFragment(422, html`${faultForm(target, typed, errors)}`);
    }
    const [fault] = faults.add(orders.data);
    const words = fault === undefined ? "" : EFFECT_WORDS[fault.effect];
    return answer(200, `Switched on: ${words}.`, faultForm(target, typed, {}));
  });
  app.post("/_sandbox/page/faults/:id/clear", (context) =>
    say(() => {
      removeFault(parts, context.req.param("id"));
      return "Cleared the fault.";
    }),
  );
  app.delete("/_sandbox/page/faults", () =>
    say(() => {
      faults.clear();
      return "Cleared all faults.";
    }),
  );
  app.post("/_sandbox/page/fault_seed", async (context) => {
    const seed = z.int32().safeParse(toNumber((await readFields(context))["seed"]));
    if (!seed.success) return sendFragment(422, seedForm(faults, explainField("seed")));
    faults.reseed(seed.data);
    return answer(200, `The faults' dice begin anew with seed ${seed.data}.`, seedForm(faults, null));
  });
}

/** The results of an event's latest deliveries, in words. */
function describeDeliveries({ store }: Parts, eventId: string, count: number): string {
  const results = deliveriesOf(store, eventId, count).map(({ last_status: status, last_error: error }) =>
    typeof error === "string" ? error : `answered ${status}`,
  );
  return `${count === 1 ? "The endpoint" : `The ${count} endpoints`}: ${results.join("; ")}.`;
}

/** Takes the action and answers with its sentence, or with the reason of a refusal. */
async function say(act: () => Promise<string> | string): Promise<Response> {
  try {
    return await answer(200, await act());
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return await answer(error.status, `Refused: ${error.message}`);
  }
}

/** A sentence for the status line, whatever else of the page changes with it; the lists are asked for at once. */
async function answer(status: number, text: string, content: Html | null = null): Promise<Response> {
  const time = new Date().toISOString().slice(11, 19);
  const mood = status < 400 ? "good" : "bad";
  const sentence = html`<p hx-swap-oob="innerHTML:#status">
    <span class="${mood}"><small>${time}</small> ${text}</span>
  </p>`;
  return sendFragment(status, html`${sentence}${content}`, { "HX-Trigger": "sandbox-changed" });
}

function live(context: SandboxContext, content: Html): Html {
  const query = new URL(context.req.url).search;
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

function origin({ req }: SandboxContext): string {
  return new URL(req.url).origin;
}

/** An empty field is no number, not zero. */
function toNumber(text: string | undefined): number {
  return text === undefined || text.trim() === "" ? Number.NaN : Number(text);
}
