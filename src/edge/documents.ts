/**
 * What the edge shows to everybody: the calls as OpenAPI, and a page to read them. All files come from this machine, so the page
 * works without a network, and nobody else learns that it was read.
 */
import { readFileSync } from "node:fs";
import { Hono } from "hono";
import { calls as registry, type Call } from "../api/calls.ts";
import { openApiDocument } from "../api/openapi.ts";

/** The files of the page, by their name under `/docs/`. Nothing else of the folders where they are can be asked for. */
const files = {
  "docs.js": { type: "text/javascript", find: () => import.meta.resolve("./assets/docs.js") },
  "page.css": { type: "text/css", find: () => import.meta.resolve("./assets/page.css") },
  "docs.css": { type: "text/css", find: () => import.meta.resolve("./assets/docs.css") },
  "swagger-ui.css": { type: "text/css", find: () => import.meta.resolve("swagger-ui-dist/swagger-ui.css") },
  "swagger-ui.js": { type: "text/javascript", find: () => import.meta.resolve("swagger-ui-dist/swagger-ui-bundle.js") },
  "icon.png": { type: "image/png", find: () => import.meta.resolve("swagger-ui-dist/favicon-32x32.png") },
} as const satisfies Readonly<Record<string, { readonly type: string; find(): string }>>;

/** Relative addresses, so that the page also works behind a proxy that serves the edge under a path of its own. */
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Payments</title>
    <link rel="icon" href="docs/icon.png" />
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <link rel="stylesheet" href="docs/docs.css" />
    <script src="docs/swagger-ui.js" defer></script>
    <script src="docs/docs.js" defer></script>
  </head>
  <body>
    <main id="document"></main>
    <noscript><p>This page needs JavaScript. <a href="openapi.json">openapi.json</a> has the same.</p></noscript>
  </body>
</html>
`;

/** Swagger UI draws its icons from data URLs. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `GET /openapi.json`, `GET /docs` and the page's files. @param version of this project */
export function createDocuments({
  version,
  calls = registry,
}: {
  readonly version: string;
  readonly calls?: readonly Call[];
}): Hono {
  const document = JSON.stringify(openApiDocument({ version, calls }));
  const read = new Map<string, Uint8Array<ArrayBuffer>>();
  const app = new Hono();
  app.get("/openapi.json", () => reply(document, "application/json", 60));
  app.get("/docs", () => reply(page, "text/html; charset=utf-8", 60));
  app.get("/docs/:file", (context) => {
    const name = context.req.param("file");
    if (!isFile(name)) return context.notFound();
    const { type, find } = files[name];
    const bytes = read.get(name) ?? new Uint8Array(readFileSync(new URL(find())));
    read.set(name, bytes);
    return reply(bytes, type === "image/png" ? type : `${type}; charset=utf-8`, 3600);
  });
  return app;
}

function isFile(name: string): name is keyof typeof files {
  return Object.hasOwn(files, name);
}

function reply(body: string | Uint8Array<ArrayBuffer>, type: string, maximumAgeSeconds: number): Response {
  return new Response(body, {
    headers: {
      "content-type": type,
      // For the answer to HEAD, which is sent without the body.
      "content-length": String(Buffer.byteLength(body)),
      "cache-control": `public, max-age=${maximumAgeSeconds}`,
      "content-security-policy": contentSecurityPolicy,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    },
  });
}
