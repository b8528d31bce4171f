import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply } from "fastify";
import { html } from "hono/html";

/** A piece of a page, with everything that was put into it escaped. */
export type Html = ReturnType<typeof html>;

type Page = {
  readonly title: string;
  readonly content: Html;
  /** What stands above the content: the page's name and its navigation. */
  readonly top?: Html;
  /** The page's own script, by its name among the assets. */
  readonly script?: "dashboard.js";
  /** The tables of a person who debugs need the whole width; what a buyer reads doesn't. */
  readonly isWide?: boolean;
};

/** What the pages load: nothing comes from elsewhere, so that they work without a network. */
const ASSETS: Readonly<Record<string, { readonly type: string; readonly file: string }>> = {
  "pico.css": { type: "text/css", file: import.meta.resolve("@picocss/pico/css/pico.min.css") },
  "sandbox.css": { type: "text/css", file: import.meta.resolve("./sandbox.css") },
  "dashboard.js": { type: "text/javascript", file: import.meta.resolve("./dashboard/dashboard.js") },
  "htmx.js": { type: "text/javascript", file: import.meta.resolve("htmx.org/dist/htmx.min.js") },
};

const CONTENT_SECURITY_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

export function addAssets(server: FastifyInstance): void {
  server.get<{ Params: { name: string } }>("/_sandbox/assets/:name", async (request, reply) => {
    const { name } = request.params;
    const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    if (asset === undefined) return reply.callNotFound();
    reply.type(`${asset.type}; charset=utf-8`).header("Cache-Control", "max-age=3600");
    return reply.send(await readFile(fileURLToPath(asset.file), "utf8"));
  });
}

/** Answers with a whole page that says what it is: nobody shall take the sandbox for a place where money moves. */
export async function sendPage(
  reply: FastifyReply,
  status: number,
  { title, content, top, script, isWide = false }: Page,
): Promise<FastifyReply> {
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
  return sendFragment(reply, status, document);
}

/** A part of a page, for one that is open already. */
export async function sendFragment(reply: FastifyReply, status: number, content: Html): Promise<FastifyReply> {
  reply.code(status).type("text/html; charset=utf-8").header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
  return reply.header("Cache-Control", "no-store").send(String(await content));
}
