import { html } from "hono/html";
import type { Html } from "./page.ts";

/**
 * A form's field as data: its name, the value that a browser may fill in, and the parameters of Stripe's for which it
 * stands.
 */
export type Field = {
  readonly name: string;
  readonly label: string;
  readonly autocomplete: string;
  readonly type?: "email" | "tel" | "text";
  readonly isNumeric?: boolean;
  readonly placeholder?: string;
  /** The field's names in Stripe's errors. */
  readonly params?: readonly string[];
  readonly isOptional?: boolean;
  /** The address that gives a hint for the field at every change. */
  readonly checkedAt?: string;
};

export type Values = Readonly<Record<string, string>>;
/** The problems by the field's name; the empty name stands for the whole form. */
export type Problems = Readonly<Record<string, string>>;

export type State = { readonly values: Values; readonly problems: Problems; readonly locked: readonly string[] };

export function field(definition: Field, { values, problems, locked }: State): Html {
  const { name, label, autocomplete, type = "text", isNumeric, placeholder, checkedAt } = definition;
  const wrong = problems[name];
  const hint = `${name}-hint`;
  return html`<label for="${name}"
      >${label}${definition.isOptional === true ? html` <small>(optional)</small>` : ""}</label
    >
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      autocomplete="${autocomplete}"
      value="${values[name] ?? ""}"
      aria-describedby="${hint}"
      ${placeholder === undefined ? "" : html`placeholder="${placeholder}"`}
      ${isNumeric === true ? html`inputmode="numeric"` : ""}
      ${wrong === undefined ? "" : html`aria-invalid="true"`}
      ${locked.includes(name) ? html`readonly` : ""}
      ${
        checkedAt === undefined
          ? ""
          : html`hx-post="${checkedAt}" hx-trigger="input changed delay:80ms, change" hx-target="#${hint}"
            hx-sync="this:replace"`
      }
    />
    <small id="${hint}" aria-live="polite">${wrong ?? ""}</small>`;
}

/** Says first, and to a screen reader at once, what is wrong, with a way to each field. */
export function problemSummary(problems: Problems, single = "The payment didn't go through."): Html | "" {
  const entries = Object.entries(problems);
  if (entries.length === 0) return "";
  return html`<div class="problems" role="alert" tabindex="-1" autofocus>
    <p><strong>${entries.length === 1 ? single : "Please check these fields."}</strong></p>
    <ul>
      ${entries.map(([name, text]) => html`<li>${name === "" ? text : html`<a href="#${name}">${text}</a>`}</li>`)}
    </ul>
  </div>`;
}

/** The fields that nobody filled, each with the sentence that says so. */
export function missingFields(fields: readonly Field[], values: Values): Problems {
  const empty = fields.filter(({ name, isOptional }) => isOptional !== true && (values[name] ?? "").trim() === "");
  return Object.fromEntries(empty.map(({ name, label }) => [name, `Fill in: ${label}.`]));
}
