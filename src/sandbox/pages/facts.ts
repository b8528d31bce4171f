import { html } from "hono/html";
import type { Html } from "./page.ts";

/** Facts in pairs of a name and a value. */
export function facts(rows: readonly (readonly [string, string])[]): Html {
  return html`<dl>
    ${rows.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
