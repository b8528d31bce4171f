/**
 * The few lines that a person reads after `npm start`: where things are, what to paste, how to stop. Everything listens on 127.0.0.1, and
 * the lines say so: where `localhost` is `::1` first, somebody else's process may answer there.
 */
import { relative } from "node:path";
import { styleText } from "node:util";
import { webhookEventTypes } from "../webhooks/eventTable.ts";
import { formatDuration } from "../config/duration.ts";
import { defaultMerchant } from "../merchants/rules.ts";
import { restateCommand } from "../operator/engine/commands.ts";
import type { Stack, StackTarget } from "./stackOptions.ts";

export type ReadyScreen = {
  readonly stack: Pick<Stack, "url" | "adminUrl" | "target" | "merchants" | "targetDir" | "registration">;
  readonly startedInMs: number;
  /** Whether the edge takes calls with an API key only. */
  readonly needsApiKey: boolean;
  /** Makes the printed idempotency keys new, and not to be guessed: a known key is answered with its first result. */
  readonly unique: string;
};

/** Colours appear on a terminal only: styleText asks the stream. */
export function readyScreen({ stack, startedInMs, needsApiKey, unique }: ReadyScreen): string {
  const url = `${stack.url}/payments/processPayment`;
  return [
    "",
    `  ${strong("Ready to take payments")} ${faint(`(after ${formatDuration(startedInMs)})`)}`,
    "",
    `  Payments    ${url}`,
    `  Restate UI  ${stack.adminUrl}/ui/`,
    ...stripeLines(stack.target),
    ...merchantsLines(stack),
    `  Data, logs  ${shortPath(stack.targetDir)}`,
    ...stack.registration.orphanedHandlers.map((handler) =>
      warning(`  Invocations of ${handler} wait for a handler that this code no longer has.`),
    ),
    "",
    ...examples(stack.target).flatMap((example) => [
      `  ${example.title}`,
      command(`    curl ${url} -H 'content-type: application/json'${needsApiKey ? apiKeyHeader : ""} \\`),
      command(`      -H 'idempotency-key: ${example.name}-${unique}' -d '${example.body}'`),
      "",
    ]),
    `  Waiting payments: ${command(`${restateCommand(stack.adminUrl)} inv list`)}   end one: ${command("… inv cancel <id>")}`,
    `  ${strong("Ctrl-C")} stops everything; the next start goes on with the same data.`,
    "",
  ].join("\n");
}

/** The key itself is in nobody's hands but the caller's. */
const apiKeyHeader = ' -H "authorization: Bearer $PAYMENTS_API_KEY"';

/** How Stripe's webhooks reach a laptop, for a key without a webhook secret. */
export function webhookRecipes(edgePort: number): string {
  const edge = `127.0.0.1:${edgePort}`;
  return [
    "STRIPE_SECRET_KEY is set, but STRIPE_WEBHOOK_SECRET is missing: without webhooks a payment would end only when it is polled.",
    "Get the events to this machine in one of two ways, put the secret into .env, and start again:",
    "",
    "  With the Stripe CLI; it prints the secret (whsec_…):",
    `    stripe listen --forward-to ${edge}/payments/processWebhook \\`,
    `      --events ${webhookEventTypes.join(",")}`,
    "",
    "  With ngrok; the edge takes webhooks by their signature and calls by their API key, so the tunnel may be open:",
    `    ngrok http ${edge}`,
    "    Add https://<your ngrok domain>/payments/processWebhook with the same events as an endpoint at",
    "    https://dashboard.stripe.com/webhooks, which shows its signing secret.",
    "",
    "Or unset STRIPE_SECRET_KEY to use the local sandbox.",
  ].join("\n");
}

function stripeLines(target: StackTarget): readonly string[] {
  if (target.kind === "sandbox")
    return [
      `  Stripe      ${target.url} ${faint("(the sandbox: no account, no money; open it to see what comes and goes)")}`,
    ];
  const where = target.apiBase === undefined ? "" : ` at ${target.apiBase}`;
  const mode = target.mode === "live" ? warning("LIVE mode, real money") : "test mode";
  return [
    `  Stripe      ${mode}${where}, ${accountText(target.account)}`,
    `  Subscribe   ${webhookEventTypes.join(" ")}`,
  ];
}

/** The screen stays one where a file names hundreds. */
const shownMerchants = 8;

function merchantsLines({ target, merchants }: ReadyScreen["stack"]): readonly string[] {
  if (merchants.length === 0) return [];
  const more = merchants.length > shownMerchants ? ` and ${merchants.length - shownMerchants} more` : "";
  const whose = target.kind === "sandbox" ? "each with an account of its own there" : "with the keys of MERCHANTS_FILE";
  const names = [defaultMerchant, ...merchants.slice(0, shownMerchants)].join(", ");
  return [`  Merchants   ${names}${more} ${faint(`(${whose}; a call names its "merchant")`)}`];
}

function accountText(account: Extract<StackTarget, { kind: "account" }>["account"]): string {
  switch (account.kind) {
    case "ok":
      return `account ${account.accountId}`;
    case "rejected":
      return warning(`key rejected: ${account.message}`);
    case "unavailable":
      return warning(`account not verified: ${account.message}`);
  }
}

type Example = { readonly name: string; readonly title: string; readonly body: string };

/** Test payment methods don't exist in live mode, and `delayedStatus` is refused there. */
function examples(target: StackTarget): readonly Example[] {
  if (target.kind === "account" && target.mode === "live") {
    return [
      {
        name: "live",
        title: "A real payment (your customer's payment method):",
        body: '{"paymentMethodId": "pm_…", "customerId": "cus_…", "amount": 109}',
      },
    ];
  }
  return [
    {
      name: "card",
      title: "A card, made to wait for its webhook:",
      body: '{"paymentMethodId": "pm_card_visa", "amount": 109, "delayedStatus": true}',
    },
    {
      name: "debit",
      title: "A bank debit; the same call waits until it has settled:",
      body: '{"paymentMethodId": "pm_usBankAccount_success", "amount": 2500, "mandate": {"type": "offline"}}',
    },
  ];
}

function shortPath(path: string): string {
  const fromHere = relative(".", path);
  return fromHere.startsWith("..") ? path : fromHere;
}

function strong(text: string): string {
  return styleText("bold", text);
}

function faint(text: string): string {
  return styleText("dim", text);
}

function command(text: string): string {
  return styleText("cyan", text);
}

function warning(text: string): string {
  return styleText("yellow", text);
}
