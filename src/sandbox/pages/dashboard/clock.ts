import { html } from "hono/html";
import { countTraffic, MAXIMUM_COUNTED } from "../../control/traffic.ts";
import { printTime } from "./table.ts";
import { LISTS, type View } from "./view.ts";
import type { Html } from "../page.ts";

/** The top of the page: the clock with its buttons, and the way to every list with how much is in it. */
const STEPS = [
  { label: "+1 h", acts: "Advance by 1 hour", amount: 1, unit: "hours" },
  { label: "+1 day", acts: "Advance by 1 day", amount: 1, unit: "days" },
  { label: "+7 days", acts: "Advance by 7 days", amount: 7, unit: "days" },
] as const;

export const CLOCK_UNITS = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;

export function clockBar({ parts: { clock }, nowMs }: View): Html {
  const isReal = clock.mode === "real";
  const modeButton = isReal
    ? html`<button
        type="button"
        class="act"
        id="clock-halt"
        hx-post="/_sandbox/page/clock/halt"
        hx-swap="none"
        aria-label="Halt the clock"
      >
        Halt
      </button>`
    : html`<button
        type="button"
        class="act"
        id="clock-go"
        hx-post="/_sandbox/page/clock/go"
        hx-swap="none"
        aria-label="Let the clock go on"
      >
        Go on
      </button>`;
  const steps = STEPS.map(
    ({ label, acts, amount, unit }) =>
      html`<button
        type="button"
        class="act"
        id="clock-${amount}-${unit}"
        hx-post="/_sandbox/page/clock/advance"
        hx-swap="none"
        hx-vals='{"amount": "${amount}", "unit": "${unit}"}'
        aria-label="${acts}"
      >
        ${label}
      </button>`,
  );
  return html`<section class="clock" id="clock" aria-label="Clock">
    <span class="now"
      ><b>${isReal ? "Real time" : "Halted"}</b>
      <time datetime="${new Date(nowMs).toISOString()}">${printTime(nowMs)}</time></span
    >
    <span class="buttons">${modeButton} ${steps}</span>
    <form id="clock-custom" hx-post="/_sandbox/page/clock/advance" hx-swap="none" hx-morph-skip novalidate>
      <input
        name="amount"
        id="clock-amount"
        value="30"
        inputmode="numeric"
        autocomplete="off"
        aria-label="Advance by how many"
      />
      <select name="unit" id="clock-unit" aria-label="of what">
        ${Object.keys(CLOCK_UNITS).map((unit) => html`<option>${unit}</option>`)}
      </select>
      <button class="act" id="clock-advance" aria-label="Advance the clock">Advance</button>
    </form>
  </section>`;
}

export function navigation({ store, query }: View): Html {
  const counts = countTraffic(store);
  const isOverview = query.view === null && query.object === null && query.event === null;
  const waiting = counts.waiting >= MAXIMUM_COUNTED ? `${MAXIMUM_COUNTED} or more` : counts.waiting;
  return html`<nav id="lists" aria-label="Lists">
    <a id="to-overview" href="/" ${current(isOverview)}>Overview</a>
    ${LISTS.map(
      (name) =>
        html`<a id="to-${name}" href="/?view=${name}" ${current(query.view === name && !query.isWaiting)}
          >${name.charAt(0).toUpperCase()}${name.slice(1)} <b>${counts[name].toLocaleString("en-US")}</b></a
        >`,
    )}
    ${
      counts.waiting === 0
        ? null
        : html`<a id="to-waiting" href="/?view=deliveries&state=pending" ${current(query.isWaiting)}
            >Waiting <b>${waiting}</b></a
          >`
    }
  </nav>`;
}

function current(isHere: boolean): Html | null {
  return isHere ? html` aria-current="page"` : null;
}
