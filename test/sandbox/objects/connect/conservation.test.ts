/** Whatever happens to a marketplace's payments in whatever order: each cent is somewhere, once. */
import * as fc from "fast-check";
import { Stripe } from "stripe";
import { expect, it } from "vitest";
import type { Sandbox } from "../../../../src/sandbox/sandbox.ts";
import { connectedAccount, control, withSandbox } from "../../surroundings.ts";
import { contradictionsIn, readBooks } from "./bookkeeping.ts";
import { idOf, on } from "./marketplace.ts";

const DAY_MS = 86_400_000;
const aMethod = fc.oneof(
  { arbitrary: fc.constantFrom("pm_card_visa", "pm_card_bypassPending"), weight: 3 },
  fc.constantFrom(
    "pm_card_createDispute",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_visa_chargeDeclined",
    "pm_usBankAccount_success",
    "pm_usBankAccount_insufficientFunds",
    "pm_usBankAccount_dispute",
  ),
);

const aPlace = fc.nat({ max: 9 });
/** A part in hundredths; above 100 is more than there is. */
const part = fc.integer({ min: 1, max: 110 });
const maybePart = fc.option(part, { nil: null });

const pay = fc.record({
  do: fc.constant("pay" as const),
  kind: fc.constantFrom("direct", "destination", "separate"),
  account: fc.nat({ max: 1 }),
  amount: fc.integer({ min: 50, max: 5_000 }),
  fee: maybePart,
  transferred: maybePart,
  captured: maybePart,
  isAsync: fc.boolean(),
  method: aMethod,
});
const refund = fc.record({
  do: fc.constant("refund" as const),
  payment: aPlace,
  amount: maybePart,
  /** Nothing but the refund, all that goes with that kind of charge, or anything that Stripe may refuse. */
  flags: fc.oneof(
    fc.constantFrom("none" as const, "all" as const),
    fc.record({ reverse_transfer: fc.boolean(), refund_application_fee: fc.boolean() }),
  ),
});
const transfer = fc.record({
  do: fc.constant("transfer" as const),
  account: fc.nat({ max: 1 }),
  amount: fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: null, freq: 2 }),
  source: fc.option(aPlace, { nil: null }),
});
const reverse = fc.record({
  do: fc.constant("reverse" as const),
  transfer: aPlace,
  amount: maybePart,
  refund_application_fee: fc.boolean(),
});
const refundFee = fc.record({ do: fc.constant("refundFee" as const), fee: aPlace, amount: maybePart });
const dispute = fc.record({ do: fc.constant("dispute" as const), payment: aPlace, isWon: fc.boolean() });
const wait = fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(400, 3 * DAY_MS, 8 * DAY_MS) });
const command = fc.oneof(
  { arbitrary: pay, weight: 4 },
  { arbitrary: refund, weight: 4 },
  { arbitrary: transfer, weight: 3 },
  { arbitrary: reverse, weight: 2 },
  refundFee,
  dispute,
  wait,
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

type Paid = {
  readonly id: string;
  readonly chargeId: string | null;
  readonly amount: number;
  readonly account: string | null;
  readonly flags: { readonly reverse_transfer: boolean; readonly refund_application_fee: boolean };
};
type World = {
  readonly stripe: Stripe;
  readonly sandbox: Sandbox;
  readonly accounts: readonly string[];
  readonly payments: Paid[];
  /** How many commands of each kind were done, and not refused. */
  readonly done: Map<string, number>;
};

function hundredths(amount: number, share: number | null): number | undefined {
  return share === null ? undefined : Math.max(1, Math.round((amount * share) / 100));
}

async function makePayment({ accounts, payments, stripe }: World, order: Command & { do: "pay" }): Promise<void> {
  const { amount, captured, fee, isAsync, kind, method, transferred } = order;
  const account = accounts[order.account] ?? "";
  const isDebit = method.startsWith("pm_us");
  const isHeld = captured !== null && !isDebit;
  const feeMinor = kind === "separate" ? undefined : hundredths(amount, fee);
  const partMinor = feeMinor === undefined ? hundredths(amount, transferred) : undefined;
  const options = kind === "direct" ? on(account) : {};
  const made = await stripe.paymentIntents.create(
    {
      amount,
      currency: "usd",
      confirm: true,
      payment_method: method,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
      capture_method: isHeld ? "manual" : isAsync ? "automatic_async" : "automatic",
      ...(isDebit ? { mandate_data: { customer_acceptance: { type: "offline" } } } : {}),
      ...(feeMinor === undefined ? {} : { application_fee_amount: feeMinor }),
      ...(kind === "destination"
        ? { transfer_data: { destination: account, ...(partMinor === undefined ? {} : { amount: partMinor }) } }
        : {}),
    },
    options,
  );
  const { id, latest_charge: charge } = made;
  const flags = { reverse_transfer: kind === "destination", refund_application_fee: feeMinor !== undefined };
  payments.push({
    flags,
    id,
    chargeId: charge === null ? null : idOf(charge),
    amount,
    account: kind === "direct" ? account : null,
  });
  if (isHeld)
    await stripe.paymentIntents.capture(id, { amount_to_capture: hundredths(amount, captured) ?? amount }, options);
}

function pick<T>(list: readonly T[], place: number): T | undefined {
  return list.length === 0 ? undefined : list[place % list.length];
}

/** Whether there was something to do. */
async function carryOut(world: World, order: Command): Promise<boolean> {
  const { accounts, payments, sandbox, stripe } = world;
  switch (order.do) {
    case "pay":
      await makePayment(world, order);
      return true;
    case "refund": {
      const paid = pick(payments, order.payment);
      if (paid === undefined) return false;
      const amount = hundredths(paid.amount, order.amount);
      const options = paid.account === null ? {} : on(paid.account);
      const flags = order.flags === "none" ? {} : order.flags === "all" ? paid.flags : order.flags;
      const asked = { payment_intent: paid.id, ...flags };
      await stripe.refunds.create({ ...asked, ...(amount === undefined ? {} : { amount }) }, options);
      return true;
    }
    case "transfer": {
      const source = order.source === null ? null : (pick(payments, order.source)?.chargeId ?? null);
      const asked = { currency: "usd", destination: accounts[order.account] ?? "" };
      const amount = order.amount === null ? {} : { amount: order.amount };
      await stripe.transfers.create({
        ...asked,
        ...amount,
        ...(source === null ? {} : { source_transaction: source }),
      });
      return true;
    }
    case "reverse": {
      const made = pick((await stripe.transfers.list({ limit: 100 })).data, order.transfer);
      if (made === undefined) return false;
      const amount = hundredths(made.amount, order.amount);
      const { refund_application_fee } = order;
      const asked = { refund_application_fee, ...(amount === undefined ? {} : { amount }) };
      await stripe.transfers.createReversal(made.id, asked);
      return true;
    }
    case "refundFee": {
      const fee = pick((await stripe.applicationFees.list({ limit: 100 })).data, order.fee);
      if (fee === undefined) return false;
      const amount = hundredths(fee.amount, order.amount);
      await stripe.applicationFees.createRefund(fee.id, amount === undefined ? {} : { amount });
      return true;
    }
    case "dispute": {
      const paid = pick(payments, order.payment);
      if (paid === undefined) return false;
      const { body, status } = await control(sandbox, "POST", "/dispute", { id: paid.id });
      if (status !== 200) return false;
      const { id } = body as Stripe.Dispute;
      if (order.isWon) await control(sandbox, "POST", "/settle", { id, outcome: "succeeded" });
      return true;
    }
    case "wait":
      await control(sandbox, "POST", "/clock", { advanceMs: order.ms });
      return true;
  }
}

/** A refusal by Stripe's rules is an outcome like any other; everything else is a defect. */
async function attempt(world: World, order: Command): Promise<void> {
  try {
    if (await carryOut(world, order)) world.done.set(order.do, (world.done.get(order.do) ?? 0) + 1);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError) || (error.statusCode ?? 500) >= 500) throw error;
  }
}

it("each cent is somewhere, once, after any sequence of payments, refunds, transfers and what else moves money", async () => {
  const done = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 12, maxLength: 30, size: "max" }), async (orders) => {
      await withSandbox(async ({ sandbox, stripe }) => {
        await control(sandbox, "POST", "/clock", { mode: "virtual" });
        const accounts = [await connectedAccount({ sandbox, stripe }), await connectedAccount({ sandbox, stripe })];
        const world: World = { stripe, sandbox, accounts, payments: [], done };
        for (const order of orders) await attempt(world, order);
        // Authorizations, settlements and bookings that are still to come.
        await control(sandbox, "POST", "/clock", { advanceMs: 9 * DAY_MS });
        expect(contradictionsIn(await readBooks(stripe, accounts))).toEqual([]);
      });
    }),
    { numRuns: 40 },
  );
  // Most of what was drawn must have happened, or nothing was tried.
  expect(Object.fromEntries(done)).toMatchObject(
    Object.fromEntries(
      ["pay", "refund", "transfer", "reverse", "refundFee", "dispute"].map((name) => [name, expect.any(Number)]),
    ),
  );
}, 120_000);
