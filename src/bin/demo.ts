/**
 * `npm run demo`: one payment of each kind against the local sandbox, on free ports and with data of its own, so that it
 * also runs beside `npm start`. Exits with 0 only if every payment came out as it must.
 */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { loadDevConfig, readEnvironment } from "../config/config.ts";
import { demoTable, type DemoRow } from "../dev/demoTable.ts";
import { freePorts } from "../dev/ports.ts";
import { startStack } from "../dev/stack.ts";
import type { Stack } from "../dev/stackOptions.ts";
import { privateUmask } from "../dev/privateFolder.ts";
import { stopWithNpm, untilStopRequested } from "../dev/stopRequest.ts";

type DemoPayment = {
  readonly title: string;
  readonly story: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** The payment method is saved for a customer first, and the payment is made in their absence. */
  readonly saved?: Readonly<Record<string, unknown>>;
  /** What follows the payment: another call about it, whose outcome is then the row's. */
  readonly next?: { readonly handler: string; readonly request: Readonly<Record<string, unknown>> };
  readonly losesWebhooks?: boolean;
  readonly expected: { readonly httpStatus: number; readonly outcome: string; readonly settledBy?: string };
};

const mandate = { type: "offline" };

const payments: readonly DemoPayment[] = [
  {
    title: "Card",
    story: "Stripe knows at once",
    request: { paymentMethodId: "pm_card_visa", amount: 109 },
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "response" },
  },
  {
    title: "Declined card",
    story: "the bank says no at once",
    request: { paymentMethodId: "pm_card_visa_chargeDeclinedInsufficientFunds", amount: 2500 },
    expected: { httpStatus: 402, outcome: "declined" },
  },
  {
    title: "Bank debit",
    story: "processing, then a webhook",
    request: { paymentMethodId: "pm_usBankAccount_success", amount: 4900, mandate },
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "webhook" },
  },
  {
    title: "Bank debit that fails",
    story: "processing, then the bank says no",
    request: { paymentMethodId: "pm_usBankAccount_insufficientFunds", amount: 4900, mandate },
    expected: { httpStatus: 402, outcome: "declined" },
  },
  {
    title: "Saved bank account",
    story: "saved with its mandate, debited off-session",
    saved: { paymentMethodId: "pm_usBankAccount_success", mandate },
    request: { amount: 4900 },
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "webhook" },
  },
  {
    title: "Authorization",
    story: "a part is captured, the rest released",
    request: { paymentMethodId: "pm_card_visa", amount: 10_000, captureMethod: "manual" },
    next: { handler: "capturePayment", request: { amount: 4000 } },
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "response" },
  },
  {
    title: "Refund",
    story: "pending at Stripe, then a webhook",
    request: { paymentMethodId: "pm_card_pendingRefund", amount: 2500 },
    next: { handler: "refundPayment", request: {} },
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "webhook" },
  },
  {
    title: "Cancelled too late",
    story: "it has succeeded, so it is refunded",
    request: { paymentMethodId: "pm_card_visa", amount: 2500 },
    next: { handler: "cancelPayment", request: { refundIfSucceeded: true } },
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "response" },
  },
  {
    title: "Bank debit, lost webhook",
    story: "processing, no webhook ever, found by polling",
    request: { paymentMethodId: "pm_sepaDebit_success_de", amount: 4900, currency: "eur", mandate },
    losesWebhooks: true,
    expected: { httpStatus: 200, outcome: "succeeded", settledBy: "poll" },
  },
];

const settlementDelayMs = 2000;
const pollSchedule = "3s";

async function demo(stop: AbortSignal): Promise<boolean> {
  const environment = readEnvironment();
  stopWithNpm(environment);
  const unique = randomBytes(3).toString("hex");
  const dataDir = join(loadDevConfig(environment).dataDir, `demo-${unique}`);
  const [edge = 0, admin = 0, service = 0, sandbox = 0] = await freePorts(4);
  console.log("Starting the engine, the Stripe sandbox, the payment service and its front door …");
  try {
    const stack = await startStack({
      ports: { edge, admin, service, sandbox },
      dataDir,
      stripe: { kind: "sandbox", settlementDelayMs },
      // The demo's edge is its own, and its calls have no key.
      environment: { ...environment, API_KEYS_FILE: "" },
      serviceSettings: { PAYMENT_POLL_SCHEDULE: pollSchedule },
      onWarning: () => {},
      signal: stop,
    });
    try {
      console.log("Each call to the service `payments` returns the final outcome.\n");
      const rows = await payInTurn(stack);
      console.log(demoTable(rows));
      return rows.every((row) => row.asExpected);
    } finally {
      await stack.stop();
    }
  } finally {
    // A folder that could not be made can't be removed either, and the start has said why.
    await rm(dataDir, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** All at once, but for those whose webhooks the sandbox is told to lose: a fault hits whatever comes. */
async function payInTurn(stack: Stack): Promise<readonly DemoRow[]> {
  const rows = await Promise.all(payments.filter((payment) => !payment.losesWebhooks).map((each) => pay(stack, each)));
  for (const payment of payments.filter((each) => each.losesWebhooks)) {
    await loseWebhooks(stack);
    rows.push(await pay(stack, payment));
  }
  return rows;
}

async function pay(stack: Stack, payment: DemoPayment): Promise<DemoRow> {
  const startedAt = performance.now();
  const request = payment.saved === undefined ? {} : await save(stack, payment.saved);
  let { response, answer } = await call(stack, "processPayment", { ...request, ...payment.request });
  if (payment.next !== undefined) {
    const { paymentIntentId } = answer;
    ({ response, answer } = await call(stack, payment.next.handler, { paymentIntentId, ...payment.next.request }));
  }
  const outcome = answer.status ?? answer.metadata?.reason ?? "unknown";
  const { expected } = payment;
  return {
    title: payment.title,
    story: payment.story,
    httpStatus: response.status,
    outcome,
    detail: answer.metadata?.declineCode ?? answer.metadata?.stripeCode ?? answer.settledBy ?? answer.message ?? "",
    tookMs: performance.now() - startedAt,
    asExpected:
      response.status === expected.httpStatus &&
      outcome === expected.outcome &&
      answer.settledBy === expected.settledBy,
  };
}

/** Saves a payment method for a new customer; gives what a payment in their absence says of it. */
async function save(stack: Stack, saved: Readonly<Record<string, unknown>>) {
  const { customerId } = (await call(stack, "createCustomer", { email: "jenny@example.com" })).answer;
  const { paymentMethodId } = (await call(stack, "setupPaymentMethod", { customerId, ...saved })).answer;
  return { customerId, paymentMethodId, offSession: true };
}

async function call(stack: Stack, handler: string, request: Readonly<Record<string, unknown>>) {
  const response = await fetch(`${stack.url}/payments/${handler}`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": randomBytes(16).toString("hex") },
    body: JSON.stringify(request),
  });
  return { response, answer: (await response.json()) as PaymentAnswer };
}

type PaymentAnswer = {
  readonly paymentIntentId?: string;
  readonly customerId?: string;
  readonly paymentMethodId?: string;
  readonly status?: string;
  readonly settledBy?: string;
  readonly message?: string;
  readonly metadata?: { readonly reason?: string; readonly stripeCode?: string; readonly declineCode?: string };
};

async function loseWebhooks(stack: Stack): Promise<void> {
  if (stack.target.kind !== "sandbox") throw new Error("Only the sandbox loses webhooks on demand.");
  const response = await fetch(`${stack.target.url}/_sandbox/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ target: "webhook", effect: "lose", count: 0 }),
  });
  if (!response.ok) throw new Error(`The sandbox refused the fault: ${await response.text()}`);
}

process.umask(privateUmask);
const stopRequest = untilStopRequested();
try {
  process.exitCode = (await demo(stopRequest)) ? 0 : 1;
} catch (error) {
  if (!stopRequest.aborted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
process.exit();
