/** The page that shows the calls, in a real browser. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { calls } from "../../../src/api/calls.ts";
import { createDocuments } from "../../../src/edge/documents.ts";
import { closeBrowser, hasBrowser, openPage } from "../../sandbox/pages/browser.ts";

afterAll(closeBrowser);

describe.skipIf(!hasBrowser)("/docs", () => {
  it("shows every call, from this machine alone and without a complaint of the browser", async () => {
    const url = await serve(createDocuments({ version: "1.2.3" }));
    const page = await openPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`${url}/docs`);
    await page.getByText("Payments", { exact: false }).first().waitFor();
    for (const { service, handler } of calls) {
      await page.locator(`[data-path="/${service}/${handler}"]`).waitFor();
    }
    expect(await page.getByText("1.2.3").count()).toBe(1);
    await page.locator('[data-path="/payments/refundPayment"]').click();
    await page.getByText("balance_insufficient", { exact: false }).first().waitFor();
    expect(await page.getByText("idempotency-key").first().isVisible()).toBe(true);
    expect(complaints).toEqual([]);
    expect(requests.filter((address) => !address.startsWith(`${url}/`) && !address.startsWith("data:"))).toEqual([]);
    expect(requests).toContain(`${url}/openapi.json`);
  });

  it("is a page to read: it asks for no API key and sends no call", async () => {
    const page = await openPage();
    await page.goto(`${await serve(createDocuments({ version: "1.2.3" }))}/docs`);
    await page.locator('[data-path="/payments/getPayment"]').click();
    await page.getByText("Responses").first().waitFor();
    expect(await page.getByRole("button", { name: /^(authorize|try it out|execute)/i }).count()).toBe(0);
    expect(await page.locator("input[type=password], textarea").count()).toBe(0);
  });

  it("fits on a phone", async () => {
    const page = await openPage({ isPhone: true });
    await page.goto(`${await serve(createDocuments({ version: "1.2.3" }))}/docs`);
    await page.locator('[data-path="/payments/processPayment"]').waitFor();
    const width = await page.evaluate("document.documentElement.scrollWidth");
    expect(width).toBeLessThanOrEqual(360);
  });

  it("is not shown in the frame of another page", async () => {
    const url = await serve(createDocuments({ version: "1.2.3" }));
    const page = await openPage();
    const elsewhere = await serve(
      new Hono().get("/", (context) => context.html(`<iframe src="${url}/docs"></iframe>`)),
    );
    const refused = page.waitForEvent("requestfailed", (request) => request.url() === `${url}/docs`);
    await page.goto(elsewhere);
    expect((await refused).failure()?.errorText).toBe("net::ERR_BLOCKED_BY_RESPONSE");
  });
});

async function serve(app: Hono): Promise<string> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
