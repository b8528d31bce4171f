/** The official Stripe CLI drives the sandbox. It takes any answer without an error for success, so the events decide. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import {
  cardPayment,
  connectedAccount,
  secret,
  type Surroundings,
  until,
  withFolder,
  withReceiver,
  withSandbox,
} from "./surroundings.ts";

const run = promisify(execFile);
const cli = createRequire(import.meta.url).resolve("@stripe/cli/bin/shim.js");

/** Runs the tool with an empty home, so that it finds no settings or keys of whoever runs the tests. */
async function stripeCli(sandbox: Sandbox, args: readonly string[]): Promise<string> {
  let output = "";
  await withFolder(async (home) => {
    const env = { PATH: process.env["PATH"], HOME: home, XDG_CONFIG_HOME: home, STRIPE_CLI_TELEMETRY_OPTOUT: "1" };
    const flags = ["--api-base", sandbox.url, "--api-key", "sk_test_of_the_cli"];
    const { stdout } = await run(process.execPath, [cli, ...args, ...flags], { env, cwd: home, timeout: 20_000 });
    output = stdout;
  });
  return output;
}

type Found = { readonly id: string; readonly object: string; readonly data: readonly Found[] };

/** What a command for a resource prints. */
async function read(sandbox: Sandbox, ...args: string[]): Promise<Found> {
  return JSON.parse(await stripeCli(sandbox, args)) as Found;
}

/** Each trigger with what its event shows, at least. */
const TRIGGERS: Readonly<Record<string, object>> = {
  "payment_intent.created": { object: "payment_intent", amount: 2000, status: "requires_payment_method" },
  "payment_intent.succeeded": { object: "payment_intent", amount_received: 2000, status: "succeeded" },
  "payment_intent.payment_failed": {
    object: "payment_intent",
    status: "requires_payment_method",
    last_payment_error: { decline_code: "generic_decline" },
  },
  "payment_intent.requires_action": { object: "payment_intent", status: "requires_action" },
  "payment_intent.processing": { object: "payment_intent", status: "processing", currency: "eur" },
  "payment_intent.amount_capturable_updated": { status: "requires_capture", amount_capturable: 2000 },
  "payment_intent.canceled": { status: "canceled", cancellation_reason: "requested_by_customer" },
  "payment_intent.partially_funded": {
    status: "requires_action",
    next_action: { display_bank_transfer_instructions: { amount_remaining: 10_000, currency: "jpy" } },
  },
  "charge.succeeded": { object: "charge", status: "succeeded", amount: 100, paid: true },
  "charge.failed": { object: "charge", status: "failed", failure_code: "card_declined" },
  "charge.captured": { object: "charge", status: "succeeded", captured: true, amount_captured: 2000 },
  "charge.refunded": { object: "charge", status: "succeeded", refunded: true, amount_refunded: 100 },
  "charge.refund.updated": { object: "refund", status: "succeeded", metadata: { order_id: "6735" } },
  "charge.dispute.created": { object: "dispute", status: "warning_needs_response", amount: 100 },
  "charge.dispute.updated": { object: "dispute", status: "warning_needs_response", metadata: { foo: "bar" } },
  "charge.dispute.closed": { object: "dispute", status: "warning_closed" },
  "checkout.session.completed": {
    object: "checkout.session",
    status: "complete",
    payment_status: "paid",
    amount_total: 3000,
    customer_details: { email: "stripe@example.com", address: { city: "South San Francisco" } },
  },
  "checkout.session.async_payment_succeeded": { status: "complete", payment_status: "paid", currency: "eur" },
  "checkout.session.async_payment_failed": { status: "complete", payment_status: "unpaid", currency: "eur" },
  "checkout.session.expired": { object: "checkout.session", status: "expired", payment_status: "unpaid" },
  "payment_link.created": { object: "payment_link", active: true, currency: "usd", allow_promotion_codes: false },
  "payment_link.updated": { object: "payment_link", active: true, allow_promotion_codes: true },
  "payment_method.attached": { object: "payment_method", type: "card", customer: expect.stringMatching(/^cus_/) },
  "setup_intent.created": { object: "setup_intent", status: "requires_payment_method" },
  "setup_intent.succeeded": { object: "setup_intent", status: "succeeded", usage: "off_session" },
  "setup_intent.setup_failed": {
    object: "setup_intent",
    status: "requires_payment_method",
    last_setup_error: { code: "card_declined" },
  },
  "setup_intent.requires_action": { object: "setup_intent", status: "requires_action" },
  "setup_intent.canceled": { object: "setup_intent", status: "canceled" },
  "account.application.deauthorized": { object: "application" },
  "cash_balance.funds_available": { object: "cash_balance", available: expect.any(Object) },
  "customer_cash_balance_transaction.created": { object: "customer_cash_balance_transaction", type: "funded" },
  "account.updated": { object: "account", type: "standard", metadata: { foo: "bar" } },
  "customer.created": { object: "customer", description: "(created by Stripe CLI)" },
  "product.created": { object: "product", name: "myproduct", active: true },
  "transfer.created": { object: "transfer", amount: 1000, amount_reversed: 0, destination: expect.any(String) },
  "transfer.reversed": { object: "transfer", amount: 1000, amount_reversed: 100, reversed: false },
  "transfer.updated": { object: "transfer", amount: 1000, metadata: { foo: "bar" } },
  "price.created": { object: "price", unit_amount: 1500, unit_amount_decimal: "1500", type: "recurring" },
};

/** The tool's own payment names no page to return to, which Stripe's newer versions ask for. */
const ADDED_TO_TRANSFERS = ["--add", "payment_intent:return_url=https://example.com"];

/** The tool's own account can't get transfers: it asks for no capability, and nobody onboards it. */
async function destinationOf(around: Surroundings): Promise<string[]> {
  const destination = await connectedAccount(around);
  return ["--skip", "account", "--override", `transfer:destination=${destination}`];
}

describe("stripe trigger", () => {
  it.each(Object.entries(TRIGGERS))("%s makes that event", async (type, shown) => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ sandbox, stripe }) => {
          const isTransfer = type.startsWith("transfer.");
          const added = isTransfer ? [...ADDED_TO_TRANSFERS, ...(await destinationOf({ sandbox, stripe }))] : [];
          // The tool pays 10.00 and transfers as much: Stripe's fee must come from what was there before.
          if (isTransfer) await stripe.paymentIntents.create(cardPayment("pm_card_bypassPending"));
          await stripeCli(sandbox, ["trigger", type, ...added]);
          // What happens to a connected account is an event of that account, which only its platform's Connect endpoints hear.
          const heard = () => received.map(({ event }) => event).find((one) => one.type === type);
          const event = await until(type, async () => heard() ?? (await stripe.events.list({ type })).data[0]);
          expect(event.data.object).toMatchObject(shown);
        },
        { webhook: { url, secret, connect: true } },
      );
    });
  });
});

describe("stripe trigger transfer.created by itself", () => {
  it("is refused, because its account can't get transfers", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      await stripe.paymentIntents.create(cardPayment("pm_card_bypassPending"));
      const trigger = stripeCli(sandbox, ["trigger", "transfer.created", ...ADDED_TO_TRANSFERS]);
      await expect(trigger).rejects.toThrow("Your destination account needs to have at least one of the following");
      expect((await stripe.transfers.list()).data).toEqual([]);
    });
  });
});

describe("the tool's commands for resources", () => {
  it("make, find and change objects", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const customer = await read(sandbox, "customers", "create", "--email=a@example.com", "-d", "metadata[k]=v");
      expect(await stripe.customers.retrieve(customer.id)).toMatchObject({
        email: "a@example.com",
        metadata: { k: "v" },
      });
      const { id, latest_charge } = await stripe.paymentIntents.create(cardPayment());
      expect((await read(sandbox, "payment_intents", "list", "--limit=5")).data.map((one) => one.id)).toEqual([id]);
      expect(await read(sandbox, "payment_intents", "retrieve", id)).toMatchObject({ id, status: "succeeded" });
      const refund = await read(sandbox, "refunds", "create", `--payment-intent=${id}`, "--amount=100");
      expect(refund).toMatchObject({ object: "refund", amount: 100, charge: latest_charge, status: "succeeded" });
      const events = await read(sandbox, "events", "list", "--type=refund.created");
      expect(events.data).toHaveLength(1);
      const [event] = events.data;
      expect(await read(sandbox, "events", "retrieve", event?.id ?? "")).toMatchObject({ type: "refund.created" });
    });
  });

  it("take a payment through its steps", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const unpaid = { amount: 2000, currency: "usd" };
      const held = await stripe.paymentIntents.create({ ...unpaid, capture_method: "manual" });
      const url = "--return-url=https://example.com";
      const steps = [
        [["confirm", held.id, "--payment-method=pm_card_visa", url], { status: "requires_capture" }],
        [["capture", held.id, "--amount-to-capture=1500"], { status: "succeeded", amount_received: 1500 }],
        [["retrieve", held.id], { status: "succeeded", amount_received: 1500 }],
      ] as const;
      for (const [args, shown] of steps) {
        expect(await read(sandbox, "payment_intents", ...args)).toMatchObject({ id: held.id, ...shown });
      }
      const other = await stripe.paymentIntents.create(unpaid);
      const canceled = await read(sandbox, "payment_intents", "cancel", other.id, "--cancellation-reason=abandoned");
      expect(canceled).toMatchObject({ id: other.id, status: "canceled", cancellation_reason: "abandoned" });
      const listed = await read(sandbox, "payment_intents", "list");
      expect(listed.data.map(({ id }) => id)).toEqual([other.id, held.id]);
      expect((await read(sandbox, "events", "list", "--limit=100")).data.length).toBeGreaterThan(4);
    });
  });

  it("send an event again, to the endpoint they name", async () => {
    await withReceiver(async (named) => {
      await withReceiver(async (other) => {
        await withSandbox(async ({ sandbox, stripe }) => {
          for (const receiver of [named, other]) {
            await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["customer.created"] });
          }
          const [, endpoint] = (await stripe.webhookEndpoints.list()).data;
          await stripe.customers.create();
          await until("both deliveries", () => (named.received.length + other.received.length > 1 ? true : undefined));
          const [event] = (await stripe.events.list()).data;
          const again = await read(sandbox, "events", "resend", event?.id ?? "", `--webhook-endpoint=${endpoint?.id}`);
          expect(again).toMatchObject({ id: event?.id, object: "event", type: "customer.created" });
          await until("the second delivery", () => named.received[1]);
          expect(named.received.map((one) => one.event.id)).toEqual([event?.id, event?.id]);
          expect(other.received).toHaveLength(1);
        });
      });
    });
  });

  it.each([
    ["products"],
    ["prices"],
    ["checkout", "sessions"],
    ["payment_links"],
    ["payment_methods"],
    ["setup_intents"],
    ["charges"],
    ["refunds"],
    ["disputes"],
    ["balance_transactions"],
    ["transfers"],
    ["application_fees"],
    ["accounts"],
  ])("%s %s list what there is", async (...command) => {
    await withSandbox(async ({ sandbox }) => {
      const names = command.filter((name) => typeof name === "string");
      expect(await read(sandbox, ...names, "list")).toMatchObject({ object: "list", data: [], has_more: false });
    });
  });
});
