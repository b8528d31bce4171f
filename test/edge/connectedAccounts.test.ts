/** Two merchants and a connected account, at the edge, a real engine and a real service: a call and its events meet, and no others do. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { signWebhook } from "../forgery/signedWebhook.ts";
import { bankDebit, card, eventAbout, newOrder, until, webhookSecret } from "../scene/scene.ts";
import { merchantSecret, openStand, type Stand } from "./attacks/stand.ts";

let stand: Stand;
let stripeAccount: string;
beforeAll(async () => {
  stand = await openStand({}, [], ["acme", "zeta"]);
  stripeAccount = (await stand.scene.stripe.accounts.create({ type: "standard" })).id;
  await fetch(`${stand.scene.sandboxUrl}/_sandbox/onboard`, {
    method: "POST",
    body: JSON.stringify({ account: stripeAccount, outcome: "done" }),
  });
});
afterAll(async () => await stand.close());

async function paymentsOf(orderId: string, account: string | null) {
  const options = account === null ? {} : { stripeAccount: account };
  const { data } = await stand.scene.stripe.paymentIntents.list({ limit: 100 }, options);
  return data.filter(({ metadata }) => metadata["orderId"] === orderId);
}

async function deliver(merchant: string, secret: string, text: string): Promise<number> {
  const { header } = signWebhook(Buffer.from(text), Math.floor(Date.now() / 1000), secret);
  const headers = { "stripe-signature": header, "content-type": "application/json" };
  return (await fetch(`${stand.edge.url}/webhooks/${merchant}`, { method: "POST", body: text, headers })).status;
}

it("A payment on a connected account is rung by its merchant's events alone", async () => {
  const order = newOrder();
  const headers = { "idempotency-key": order, prefer: "respond-async" };
  const request = { ...bankDebit(order), merchant: "acme", stripeAccount };
  const { callId } = (await stand.edge.call("/payments/processPayment", request, headers)).body as { callId: string };
  const payment = await until("the payment", async () => (await paymentsOf(order, stripeAccount))[0]);
  expect(payment.metadata).toMatchObject({ restate_merchant: "acme" });
  await stand.scene.untilStatus(payment.metadata["restate_invocation_id"] ?? "", "suspended");
  expect(await paymentsOf(order, null)).toEqual([]);
  await stand.scene.settle(payment.id);
  const text = JSON.stringify({
    ...(JSON.parse(eventAbout("payment_intent.succeeded", payment)) as object),
    account: stripeAccount,
  });
  stand.reached();
  // The same Stripe account has an endpoint of each merchant.
  for (const [merchant, secret] of [
    ["default", webhookSecret],
    ["zeta", merchantSecret("zeta")],
  ] as const) {
    const before = stand.ingressTap.tapped.length;
    expect(await deliver(merchant, secret, text)).toBe(200);
    expect(stand.ingressTap.tapped.slice(before).filter(({ path }) => path.includes("awakeables"))).toEqual([]);
  }
  expect(await stand.edge.get(`/calls/${callId}`)).toMatchObject({ status: 202 });
  expect(await deliver("acme", merchantSecret("acme"), text)).toBe(200);
  const outcome = await stand.edge.get(`/calls/${callId}`, { prefer: "wait=60" });
  expect(outcome).toMatchObject({ status: 200, body: { paymentIntentId: payment.id, settledBy: "webhook" } });
});

it("One idempotency key is a payment for each merchant, and one account for each of them", async () => {
  const order = newOrder();
  const headers = { "idempotency-key": order };
  const pay = async (address: object) =>
    await stand.edge.call("/payments/processPayment", { ...card(order), ...address }, headers);
  const first = await pay({ merchant: "acme", stripeAccount });
  expect(first).toMatchObject({ status: 200, body: { status: "succeeded" } });
  expect((await pay({ merchant: "acme", stripeAccount })).body).toEqual(first.body);
  for (const address of [{ merchant: "acme" }, { merchant: "acme", stripeAccount: "acct_another" }]) {
    expect(await pay(address)).toMatchObject({ status: 422, body: { metadata: { reason: "idempotency_key_reused" } } });
  }
  expect(await pay({})).toMatchObject({ status: 200 });
  expect(await pay({ merchant: "zeta" })).toMatchObject({ status: 200 });
  expect(await paymentsOf(order, stripeAccount)).toHaveLength(1);
  const own = (await paymentsOf(order, null)).map(({ metadata }) => metadata["restate_merchant"] ?? "default");
  expect(new Set(own)).toEqual(new Set(["default", "zeta"]));
  expect(own).toHaveLength(2);
});
