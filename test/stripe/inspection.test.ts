import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { inspectStripe } from "../../src/stripe/inspection.ts";

/** Something that answers in Stripe's name, at a time of its own. */
async function stripeAt(date: Date, body: object): Promise<string> {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    response.writeHead(200, { "content-type": "application/json", date: date.toUTCString() }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const account = { object: "account", id: "acct_1" };

it.each([0, 10, -10])(
  "measures a clock that is %i minutes ahead of Stripe's by the date of the answer",
  async (minutes) => {
    const apiBase = await stripeAt(new Date(Date.now() - minutes * 60_000), account);
    const asked = await inspectStripe({ secretKey: "sk_test_1", apiBase }).account();
    const aheadMs = asked.kind === "answered" ? asked.answer.clockAheadMs : null;
    // The header has whole seconds, and an answer takes its time.
    expect(Math.abs((aheadMs ?? Number.NaN) - minutes * 60_000)).toBeLessThan(5000);
  },
);

it("takes what answers without an account for something else than Stripe", async () => {
  const apiBase = await stripeAt(new Date(), { hello: "world" });
  expect(await inspectStripe({ secretKey: "sk_test_1", apiBase }).account()).toMatchObject({ kind: "unavailable" });
});
