import type { SandboxApp } from "../http/app.ts";
import { html } from "hono/html";
import { readAsset } from "../assets/assets.ts";
import { type Headers, reply } from "../http/replies.ts";

/** A piece of a page, with everything that was put into it escaped. */
export type Html = ReturnType<typeof html>;

type Page = {
  readonly title: string;
  readonly content: Html;
  /** The part above the content: the page's name and its navigation. */
  readonly top?: Html;
  /** The page's own script, by its name among the assets. */
  readonly script?: "dashboard.js";
  /** The tables of a person who debugs need the whole width; a buyer's page doesn't. */
  readonly isWide?: boolean;
};

/** The files that the pages load, by the name in their address. */
const ASSET_TYPES = {
  "pico.css": "text/css",
  "sandbox.css": "text/css",
  "dashboard.js": "text/javascript",
  "htmx.js": "text/javascript",
} as const;

const CONTENT_SECURITY_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

export function addAssets(app: SandboxApp): void {
  app.get("/_sandbox/assets/:name", async (context) => {
    const name = context.req.param("name");
    if (!isPageAsset(name)) return await context.notFound();
    const headers = { "Content-Type": `${ASSET_TYPES[name]}; charset=utf-8`, "Cache-Control": "max-age=3600" };
    return reply(200, readAsset(name), headers);
  });
}

function isPageAsset(name: string): name is keyof typeof ASSET_TYPES {
  return Object.hasOwn(ASSET_TYPES, name);
}

/** Answers with a whole page that says what it is: nobody shall take the sandbox for a place where money moves. */
export async function sendPage(
  status: number,
  { title, content, top, script, isWide = false }: Page,
): Promise<Response> {
  const document = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          name="htmx-config"
          content='{"includeIndicatorCSS": false, "morphIgnore": ["data-htmx-powered", "open"]}'
        />
        <title>${title} · SANDBOX</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/_sandbox/assets/pico.css" />
        <link rel="stylesheet" href="/_sandbox/assets/sandbox.css" />
        <script src="/_sandbox/assets/htmx.js" defer></script>
        ${script === undefined ? null : html`<script src="/_sandbox/assets/${script}" defer></script>`}
      </head>
      <body>
        <p class="banner" role="note"><strong>SANDBOX</strong> No real money moves here.</p>
        ${top}
        <main class="container${isWide ? "-fluid" : " buyer"}">${content}</main>
      </body>
    </html>`;
  return sendFragment(status, document);
}

/** A part of a page, for one that is open already. */
export async function sendFragment(status: number, content: Html, headers: Headers = {}): Promise<Response> {
  return reply(status, String(await content), {
    ...headers,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
  });
}
