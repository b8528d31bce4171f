import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/api/openapi.ts";
import { createDocuments } from "../../src/edge/documents.ts";

const documents = createDocuments({ version: "1.2.3" });

const addresses = [
  ["/openapi.json", "application/json"],
  ["/docs", "text/html; charset=utf-8"],
  ["/docs/docs.js", "text/javascript; charset=utf-8"],
  ["/docs/docs.css", "text/css; charset=utf-8"],
  ["/docs/page.css", "text/css; charset=utf-8"],
  ["/docs/swagger-ui.css", "text/css; charset=utf-8"],
  ["/docs/swagger-ui.js", "text/javascript; charset=utf-8"],
  ["/docs/icon.png", "image/png"],
] as const;

describe.each(addresses)("%s", (address, type) => {
  it("is sent with headers that let no other place use it or be used by it", async () => {
    const response = await documents.request(address);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    expect((await response.arrayBuffer()).byteLength).toBe(Number(response.headers.get("content-length")));
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|http|\*/);
  });

  it("answers HEAD as GET, without the body", async () => {
    const got = await documents.request(address);
    const head = await documents.request(address, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(got.headers));
  });

  it("takes nothing", async () => {
    expect((await documents.request(address, { method: "POST", body: "{}" })).status).toBe(404);
  });
});

it("/openapi.json is the document of this version", async () => {
  expect(await (await documents.request("/openapi.json")).json()).toEqual(
    JSON.parse(JSON.stringify(openApiDocument({ version: "1.2.3" }))),
  );
});

it("The page has no script and no style of its own inside, and nothing from elsewhere", async () => {
  const text = await (await documents.request("/docs")).text();
  expect(text).not.toMatch(/<style|<script(?![^>]* src="docs\/)|https?:| on\w+=| style=/);
});

it.each([
  "/",
  "/docs/",
  "/docs/index.html",
  "/docs/package.json",
  "/docs/swagger-ui-bundle.js.map",
  "/docs/__proto__",
  "/docs/constructor",
  "/docs/../package.json",
  "/docs/%2e%2e%2fpackage.json",
  "/docs/..%5cpackage.json",
  "/docs/docs.js/",
  "/docs/docs.js%00",
  "/Docs",
  "/openapi.JSON",
  "/openapi.json/",
])("%s is not found", async (address) => {
  expect((await documents.request(address)).status).toBe(404);
});

it("leaves other addresses of the app that it is a part of as they are", async () => {
  const app = new Hono();
  app.route("/", documents);
  app.get("/livez", (context) => context.text("alive"));
  app.notFound((context) => context.json({ code: 404 }, 404));
  const alive = await app.request("/livez");
  expect([await alive.text(), alive.headers.get("content-security-policy")]).toEqual(["alive", null]);
  const missing = await app.request("/docs/none");
  expect([missing.status, await missing.json()]).toEqual([404, { code: 404 }]);
});
