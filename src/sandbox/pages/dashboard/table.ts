import { html } from "hono/html";
import type { Html } from "../page.ts";

/** The pieces that all of the sandbox's lists are made of: sections, tables, times, ids and buttons. */
export type Column = { readonly label: string; readonly isExtra?: boolean };

export type Listing = {
  /** Also the name of the view that shows the whole list. */
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Html[];
  /** The sentence in place of a table without rows. */
  readonly empty: Html | string;
  /** The link to the rest of the list. */
  readonly more?: Html | null;
  readonly controls?: Html | null;
};

export function section({ id, title, caption, columns, rows, empty, more, controls }: Listing): Html {
  const table = html`<table>
    <caption class="unseen">
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map(({ label, isExtra }) => html`<th scope="col" class="${isExtra === true ? "extra" : ""}">${label}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <header>
      <h2 id="${id}-title">${title}</h2>
      ${controls}
    </header>
    ${rows.length === 0 ? html`<p class="nothing">${empty}</p>` : table} ${more}
  </section>`;
}

/** A cell that names its column where a phone shows rows as cards. */
export function cell(label: string, content: Html | readonly Html[] | string | number, className = ""): Html {
  return html`<td data-label="${label}" class="${className}">${content}</td>`;
}

const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1000 },
];

/** A moment as a distance from now, in the clock of the sandbox: "12 s ago", "in 3 h". The tooltip says when exactly. */
export function moment(atMs: number, nowMs: number): Html {
  const distanceMs = Math.abs(nowMs - atMs);
  const unit = UNITS.find(({ ms }) => distanceMs >= ms);
  const text = unit === undefined ? "now" : `${Math.floor(distanceMs / unit.ms)} ${unit.name}`;
  const iso = new Date(atMs).toISOString();
  const words = unit === undefined ? text : atMs > nowMs ? `in ${text}` : `${text} ago`;
  return html`<time datetime="${iso}" title="${iso}">${words}</time>`;
}

/** A moment with its time of day, for which the overview has no room. */
export function age(atMs: number, nowMs: number): Html {
  return html`${moment(atMs, nowMs)} <small class="exact">${printClock(atMs, nowMs)}</small>`;
}

/** "2026-11-21 10:32:45 UTC". */
export function printTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Hours and minutes of a moment, with the day when it isn't today's. */
export function printClock(timeMs: number, nowMs: number): string {
  const iso = new Date(timeMs).toISOString();
  const isToday = iso.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10);
  return isToday ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}

const TAIL = 6;

/** An id that is shown by its beginning and end, since ids made together begin alike, but searched and copied whole. */
function shortId(id: string): Html {
  return html`<code class="id" title="${id}"><span>${id.slice(0, -TAIL)}</span>${id.slice(-TAIL)}</code>`;
}

export function objectLink(id: string, domId?: string): Html {
  const key = domId === undefined ? null : html` id="${domId}"`;
  return html`<a${key} href="/?object=${encodeURIComponent(id)}">${shortId(id)}</a>`;
}

/**
 * A button whose label names its object for people who don't see where the button stands. The id lets the focus stay on
 * it.
 */
type Press = { readonly id: string; readonly path: string; readonly label: string; readonly acts: string };

export function button({ id, path, label, acts }: Press): Html {
  return html`<button
    type="button"
    class="act"
    id="${id}"
    hx-post="/_sandbox/page/${path}"
    hx-swap="none"
    aria-label="${label} ${acts}"
  >
    ${label}
  </button>`;
}

/** Good, bad or under way; always with the word that says it. */
export type Mood = "good" | "bad" | "waiting" | "plain";

export function badge(text: string, mood: Mood): Html {
  return html`<span class="badge ${mood}">${text}</span>`;
}

/** Leads from the newest rows of a list to all, and through these to older ones. */
export function olderLink(view: string, query: Readonly<Record<string, string>>, before: unknown): Html {
  const href = `/?${new URLSearchParams({ view, ...query, before: String(before) }).toString()}`;
  return html`<p class="more"><a id="${view}-older" href="${href}" rel="next">Older</a></p>`;
}

export function allLink(view: string, title: string): Html {
  return html`<p class="more"><a id="${view}-all" href="/?view=${view}">All ${title.toLowerCase()}</a></p>`;
}
