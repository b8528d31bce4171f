/** What a sandbox test stands in: a sandbox on a free port, the real client, and a server that takes webhooks. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stripe } from "stripe";
import type { Sandbox, SandboxOptions } from "../../src/sandbox/sandbox.ts";
import { startCheckedSandbox } from "./schemas/checked.ts";

export const secret = "whsec_test_of_the_sandbox";

export type Surroundings = { readonly sandbox: Sandbox; readonly stripe: Stripe };

export function clientOf(sandbox: Sandbox, options: Partial<ConstructorParameters<typeof Stripe>[1]> = {}): Stripe {
  return new Stripe("sk_test_of_the_tests", {
    host: "127.0.0.1",
    port: sandbox.port,
    protocol: "http",
    maxNetworkRetries: 0,
    ...options,
  });
}

/** Opens a sandbox without webhooks, in memory, settling at once unless the options say otherwise; closes it after.
 * Fails if the sandbox sent what Stripe's declarations don't allow. */
export async function withSandbox(
  use: (surroundings: Surroundings) => Promise<void>,
  options: Partial<SandboxOptions> = {},
): Promise<void> {
  const defaults = { port: 0, dataDir: null, webhook: null, settlementDelayMs: 20, searchLagMs: 0 };
  const sandbox = await startCheckedSandbox({ ...defaults, ...options });
  try {
    await use({ sandbox, stripe: clientOf(sandbox) });
  } finally {
    await sandbox.close();
  }
}

export type Received = { readonly body: string; readonly headers: IncomingHttpHeaders; readonly event: Stripe.Event };

/** A webhook server that remembers what came and answers as told. */
export async function withReceiver(
  use: (receiver: { url: string; received: Received[]; answerWith: (status: number) => void }) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      received.push({ body, headers: request.headers, event: JSON.parse(body) as Stripe.Event });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    await use({ url: `http://127.0.0.1:${port}/hook`, received, answerWith: (next) => (status = next) });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Asks again until the condition holds; gives up after ten seconds. */
export async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadlineMs = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadlineMs) throw new Error(`Waited 10 s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function untilStatus(stripe: Stripe, id: string, status: string): Promise<Stripe.PaymentIntent> {
  return await until(`${id} to be ${status}`, async () => {
    const paymentIntent = await stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] });
    return paymentIntent.status === status ? paymentIntent : undefined;
  });
}

/** A control call; gives status and JSON. */
export async function control(sandbox: Sandbox, method: string, path: string, body?: unknown) {
  const response = await fetch(`${sandbox.url}/_sandbox${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

/** A connected account of the client's platform, onboarded unless the outcome is another one. */
export async function connectedAccount(
  { sandbox, stripe }: Surroundings,
  params: Stripe.AccountCreateParams = { type: "standard" },
  outcome = "done",
): Promise<string> {
  const { id } = await stripe.accounts.create(params);
  await control(sandbox, "POST", "/onboard", { account: id, outcome });
  return id;
}

/** The error a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error("The call was expected to fail.");
}

const noRedirects = { enabled: true, allow_redirects: "never" } as const;
const offline = { customer_acceptance: { type: "offline" } } as const;

export function cardPayment(paymentMethod = "pm_card_visa"): Stripe.PaymentIntentCreateParams {
  return {
    amount: 1099,
    currency: "usd",
    confirm: true,
    payment_method: paymentMethod,
    automatic_payment_methods: noRedirects,
  };
}

export function debitPayment(paymentMethod = "pm_usBankAccount_success"): Stripe.PaymentIntentCreateParams {
  const currency = paymentMethod.startsWith("pm_sepa") ? "eur" : "usd";
  return { ...cardPayment(paymentMethod), currency, mandate_data: offline };
}

export async function eventTypes(stripe: Stripe): Promise<string[]> {
  const events = await stripe.events.list({ limit: 100 });
  return events.data.map((event) => event.type).toReversed();
}
