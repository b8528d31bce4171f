import { html } from "hono/html";
import { API_EFFECTS, type Fault, type Faults, WEBHOOK_EFFECTS } from "../../world/faults.ts";
import { badge, button, cell, section } from "./table.ts";
import type { View } from "./view.ts";
import type { Html } from "../page.ts";

/** The faults that are on, and the forms that switch one on: each with the settings that its target has. */
export type FaultTarget = Fault["target"];

export const EFFECT_WORDS: Readonly<Record<Fault["effect"], string>> = {
  error_400: "400 without a code, nothing done and nothing saved",
  balance_insufficient: "400, the balance is too low, nothing done",
  error_500: "500, nothing done and nothing saved",
  error_500_saved: "500 that its key replays, nothing done",
  error_500_saved_after: "500 that its key replays, though all was done",
  rate_limit: "429, too many requests",
  lock_timeout: "429, another request holds the object",
  conflict: "409, the key is in use at the moment",
  unauthorized: "401, the key is refused",
  forbidden: "403, the key lacks a permission",
  html_502: "502 with an HTML page, as a proxy answers",
  cut_before: "connection cut, nothing done",
  cut_after: "connection cut after all was done",
  stall: "the answer comes late",
  lose: "never delivered",
  double: "delivered twice",
  delay: "delivered late",
  reorder: "delivered in reverse order",
  before_response: "delivered before the request is answered",
};

export function faultsSection({ parts: { faults } }: View): Html {
  const active = faults.list();
  const clear = html`<button
    type="button"
    class="act"
    id="clear-faults"
    hx-delete="/_sandbox/page/faults"
    hx-swap="none"
  >
    Clear all
  </button>`;
  return section({
    id: "faults",
    title: "Faults",
    caption: "Faults that are switched on, in the order in which they are tried",
    columns: ["Effect", "Hits", "Left", "Probability", "Actions"].map((label) => ({ label })),
    rows: active.map(faultRow),
    empty: "None is on: answers and webhooks go out as they should.",
    controls: active.length === 0 ? null : clear,
    more: html`<div class="forms">
      <details id="api-fault-form">
        <summary>Break an answer</summary>
        ${faultForm("api", {}, {})}
      </details>
      <details id="webhook-fault-form">
        <summary>Break a webhook</summary>
        ${faultForm("webhook", {}, {})}
      </details>
      <details id="seed-form">
        <summary>Random seed: ${faults.seed}</summary>
        ${seedForm(faults, null)}
      </details>
    </div>`,
  });
}

function faultRow(fault: Fault): Html {
  const { id, effect, count, remaining, probability, delayMs } = fault;
  const isDelaying = effect === "stall" || effect === "delay";
  const hits =
    fault.target === "webhook"
      ? html`webhook <code>${fault.eventType}</code>`
      : html`<code>${fault.method === "*" ? "any method" : fault.method} ${fault.path}</code>`;
  return html`<tr id="row-${id}">
    <th scope="row">
      ${EFFECT_WORDS[effect]}${isDelaying ? ` (${delayMs} ms)` : ""} <small><code>${effect}</code></small>
    </th>
    ${cell("Hits", hits)} ${cell("Left", count === 0 ? badge("until cleared", "waiting") : `${remaining} of ${count}`)}
    ${cell("Probability", probability)}
    ${cell("Actions", button({ id: `clear-${id}`, path: `faults/${id}/clear`, label: "Clear", acts: `${effect} ${id}` }), "actions")}
  </tr>`;
}

/** The values that the person typed, and the problems by field. */
export type Typed = Readonly<Record<string, string>>;
type Errors = Readonly<Record<string, string>>;

const TARGETS = {
  api: { effects: API_EFFECTS, late: "stall", submit: "Break it" },
  webhook: { effects: WEBHOOK_EFFECTS, late: "delay", submit: "Break it" },
} as const;

export function faultForm(target: FaultTarget, typed: Typed, errors: Errors): Html {
  const { effects, late, submit } = TARGETS[target];
  const field = (name: string, label: string, standard: string, mode: "numeric" | "decimal" | "text" = "text"): Html =>
    textField({ key: `${target}-${name}`, name, label, value: typed[name] ?? standard, mode, error: errors[name] });
  const options = effects.map(
    (name) =>
      html`<option value="${name}" ${typed["effect"] === name ? "selected" : ""}>${EFFECT_WORDS[name]}</option>`,
  );
  const methods = ["*", "POST", "GET", "DELETE"].map(
    (name) =>
      html`<option value="${name}" ${typed["method"] === name ? "selected" : ""}>
        ${name === "*" ? "any" : name}
      </option>`,
  );
  return html`<form
    id="${target}-fault"
    class="fault"
    hx-post="/_sandbox/page/faults"
    hx-swap="outerHTML"
    hx-morph-skip
    novalidate
  >
    ${errorList(errors)}
    <input type="hidden" name="target" value="${target}" />
    <label class="long"
      >Effect
      <select name="effect" id="${target}-effect">
        ${options}
      </select></label
    >
    ${
      target === "api"
        ? html`<label
              >Method
              <select name="method" id="api-method">
                ${methods}
              </select></label
            >
            ${field("path", "Path (* at the end for all that begin so)", "*")}`
        : field("eventType", "Event type (* at the end for all that begin so)", "*")
    }
    ${field("count", "How often (0: until cleared)", "1", "numeric")}
    ${field("probability", "Probability (0 to 1)", "1", "decimal")}
    ${field("delayMs", `Delay in ms (for "${EFFECT_WORDS[late]}")`, "1000", "numeric")}
    <button class="act" id="${target}-fault-add">${submit}</button>
  </form>`;
}

export function seedForm({ seed }: Faults, error: string | null): Html {
  const errors: Errors = error === null ? {} : { seed: error };
  return html`<form
    id="fault-seed"
    class="fault"
    hx-post="/_sandbox/page/fault_seed"
    hx-swap="outerHTML"
    hx-morph-skip
    novalidate
  >
    ${errorList(errors)}
    ${textField({ key: "seed", name: "seed", label: "Seed: the same one makes faults of a probability fall alike", value: String(seed), mode: "numeric", error: errors["seed"] })}
    <button class="act" id="seed-set">Begin anew with it</button>
  </form>`;
}

type TextField = {
  readonly key: string;
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly mode: "numeric" | "decimal" | "text";
  readonly error: string | undefined;
};

function textField({ key, name, label, value, mode, error }: TextField): Html {
  const invalid = error === undefined ? null : html` aria-invalid="true" aria-describedby="${key}-error" autofocus`;
  return html`<label
    >${label}
    <input
      name="${name}"
      id="${key}"
      value="${value}"
      inputmode="${mode}"
      autocomplete="off"
      spellcheck="false"
      ${invalid}
    />
    ${error === undefined ? null : html`<small id="${key}-error">${error}</small>`}
  </label>`;
}

function errorList(errors: Errors): Html | null {
  const count = Object.keys(errors).length;
  return count === 0 ? null : html`<p role="alert" class="refused">Not done: see what is marked.</p>`;
}

/** The rule of each field, in the words of the person who fills it in. */
const RULES: Readonly<Record<string, string>> = {
  effect: "The effect must be one of the list.",
  method: "The method must be one of the list.",
  count: "How often must be a whole number, 0 or more.",
  probability: "The probability must be a number from 0 to 1.",
  delayMs: "The delay must be a whole number of milliseconds, 0 or more.",
  seed: "The seed must be a whole number of 32 bits.",
};

export function explainField(name: string): string {
  return RULES[name] ?? `${name} is not as it should be.`;
}
