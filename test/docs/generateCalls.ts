/** Writes docs/calls.md from the registry of calls: `npm run docs`. */
import { writeFileSync } from "node:fs";
import { calls, type Call } from "../../src/api/calls.ts";
import { edgeReasonGuide, failuresOfCalls, reasonGuide } from "../../src/api/failureGuide.ts";
import { edgeFailureReasons, statusOfEdgeReason } from "../../src/api/edgeFailures.ts";
import { failureReasonSchema, statusOfReason, type FailureReason } from "../../src/api/failures.ts";
import { nextActionSchema, otherActionTypes } from "../../src/api/nextAction.ts";
import { callTexts, failureExample, type CallText } from "./callTexts.ts";
import { code, fieldsOf, schemaOf, type Field } from "./fieldTable.ts";

export const CALLS_FILE = new URL("../../docs/calls.md", import.meta.url);

const reasons = failureReasonSchema.options;

/** The reasons that the edge gives by itself, the ones that it shares with the calls among them. */
const edgeReasons = [
  ...(["invalid_request", "not_found"] as const).map((reason) => ({ reason, status: statusOfReason[reason] })),
  ...edgeFailureReasons.options.map((reason) => ({ reason, status: statusOfEdgeReason[reason] })),
];

const head = `<!-- Written by \`npm run docs\` from src/api/calls.ts and the contracts. Change those, not this file. -->

# The calls

Every call is \`POST /<service>/<handler>\` at the edge (port 8080), JSON in and out. It returns the final outcome, at once or days later, or it
[fails](#failures) with a reason. Amounts are integers in the currency's minor unit (cents), moments are ISO 8601 in UTC. Unknown fields are
refused: a misspelt \`captureMethod\` must not charge at once. The edge describes the same calls as OpenAPI 3.1 at \`/openapi.json\`, and shows them as a
page at \`/docs\`.

**Send \`authorization: Bearer <API key>\`** with every call. Each call's section names the [scope](operations.md#api-keys) that the key needs. Against the
sandbox of \`npm start\`, programs of the same machine need no key, as in the examples here.

**Send an \`idempotency-key\` header** with every call that changes something: the edge refuses such a call without one. A repeated key never charges
again: it joins the call while that waits, and gets its answer afterwards. An answer is kept for \`IDEMPOTENCY_RETENTION\` (7 days) after the call ended.
After that the same key would be a new payment, so derive keys from your order and don't reuse them. The same key with another body is 422
\`idempotency_key_reused\`. Plain reads (\`getPayment\`, \`getCustomer\`, \`getDispute\` without \`awaitOutcome\`) and 409 \`balance_insufficient\` are not kept:
asked again, they look again. Where the connection drops, or an answer is 502 \`unknown\`, 503, or a 5xx without \`metadata\`, post the same body with the
same key again. That is always safe.
`;

const days = `## Calls that take days

Nobody holds an HTTP request open for four days. Each of these ways returns the same outcome: post again with the same key, let the edge answer early
and ask for the outcome later, or wait by the object's id (\`awaitPayment\`, \`awaitRefund\`, \`awaitSetup\`). \`Prefer: respond-async\` is answered at once
with 202 and a \`callId\`, \`Prefer: wait=30\` with the outcome if it comes within 30 seconds (300 at most). \`GET /calls/<callId>\` answers 202 while the call
runs, and then its outcome; it takes \`Prefer: wait\`, too. \`POST /calls/<callId>/cancel\` cancels the call, and the outcome says what became of it:

\`\`\`shell
curl 127.0.0.1:8080/payments/processPayment -H 'prefer: respond-async' -H 'content-type: application/json' -H "idempotency-key: $(openssl rand -hex 16)" -d '{"paymentMethodId": "pm_usBankAccount_success", "amount": 2500, "mandate": {"type": "offline"}}'
curl 127.0.0.1:8080/calls/<callId>
curl -X POST 127.0.0.1:8080/calls/<callId>/cancel
\`\`\`
`;

const outages = `Outages of Stripe or the network are no failures of the payment. The call waits, and is retried for about 16 hours. Then, or at once if Stripe
rejects the API key, it is paused for an operator, who fixes the cause and resumes it: \`npx restate inv resume <id>\`. Never use
\`restart-as-new\` for handlers that move money: it is a new payment, with a new Stripe key.
`;

const typescript = `## From TypeScript

\`\`\`ts
import { PaymentsClient, PaymentsError } from "restate-stripe-payments/client";

const client = new PaymentsClient({ url: "http://127.0.0.1:8080", apiKey: process.env.PAYMENTS_API_KEY });
try {
  const outcome = await client.payments.processPayment(
    { paymentMethodId: "pm_card_visa", amount: 109 },
    { idempotencyKey: "example-order-4004" },
  );
  console.log(outcome.status, outcome.chargeId);
} catch (error) {
  if (!(error instanceof PaymentsError)) throw error;
  console.log(error.reason, error.metadata.paymentIntentId);
}
\`\`\`

The [guide](guide.md#the-typescript-client) says how the client waits, and [which types there are](guide.md#typescript-types) for callers without it.
`;

export function generateCalls(): string {
  return [head, overview(), days, ...calls.map(page), actions(), failures(), typescript].join("\n");
}

function overview(): string {
  const rows = calls.map((call) => [`[${code(call.handler)}](#${call.handler.toLowerCase()})`, call.description]);
  return table(["call", "it does"], rows);
}

function page(call: Call): string {
  const text = textOf(call);
  return `## \`${call.handler}\`

${call.description}

${text.about}

${requestTable(call, text)}
\`\`\`shell
${curl(call, text)}
\`\`\`

\`\`\`json
${JSON.stringify(text.answer)}
\`\`\`

${answerTable(call)}
**Needs the scope** ${code(call.scope)}. **Fails with** ${failuresOf(call)}.
`;
}

function requestTable({ input }: Call, { notes = {}, instead = {}, defaults = {} }: CallText): string {
  const rows = fieldsOf(schemaOf(input, "input")).map((field) => [
    code(field.path),
    field.required ? "required" : defaultOf(field, defaults),
    field.type,
    [instead[field.path] ?? field.description, notes[field.path], condition(field)].filter(Boolean).join(" "),
  ]);
  return table(["field", "default", "type", ""], rows);
}

function defaultOf({ path, default: value }: Field, defaults: Readonly<Record<string, unknown>>): string {
  const known = value ?? defaults[path] ?? (path === "timeoutSeconds" ? "PAYMENT_TIMEOUT" : undefined);
  return known === undefined ? "" : code(known);
}

function answerTable({ output }: Call): string {
  const rows = fieldsOf(schemaOf(output, "output"), ["nextAction"]).map((field) => [
    code(field.path),
    field.path === "nextAction" ? field.type.replace("an action", "an [action](#actions-of-the-customer)") : field.type,
    [field.description, field.required ? "" : "May be left out.", condition(field)].filter(Boolean).join(" "),
  ]);
  return table(["answer", "type", ""], rows);
}

function condition({ onlyWith }: Field): string {
  return onlyWith === null ? "" : `Only with ${onlyWith}.`;
}

function curl({ service, handler, needsKey }: Call, { request }: CallText): string {
  const key = needsKey ? ` -H 'idempotency-key: example-order-4004-${handler}'` : "";
  const body = JSON.stringify(request).replaceAll("'", "'\\''");
  return `curl 127.0.0.1:8080/${service}/${handler} -H 'content-type: application/json'${key} -d '${body}'`;
}

function failuresOf(call: Call): string {
  const known = caseOf(call);
  return reasons
    .filter((reason) => known(reason) !== undefined)
    .map((reason) => {
      const when = known(reason);
      return `${statusOfReason[reason]} ${code(reason)}${typeof when === "string" ? ` (${when})` : ""}`;
    })
    .join(", ");
}

function actions(): string {
  const other: readonly string[] = otherActionTypes;
  const kinds = (schemaOf(nextActionSchema, "output").oneOf ?? []).map((variant) => {
    const fields = fieldsOf(variant);
    const [type, ...details] = fields.filter(({ path }) => path !== "redirectUrl" && !path.includes("."));
    const isOther = type?.type.includes(code(other[0])) ?? false;
    const said = details.map(({ path, description }) => [code(path), description].filter(Boolean).join(": "));
    return [
      isOther ? `Stripe's other kinds: ${other.map(code).join(", ")}` : (type?.type ?? ""),
      said.map((one) => one.replace(/\.$/, "")).join("; "),
    ];
  });
  return `## Actions of the customer

Where the answer is \`requires_action\`, \`nextAction\` says what for. \`redirectUrl\` is the page that does it, or null where Stripe hosts none. The
details that you may want to show yourself come with it:

${table(["`nextAction.type`", "beside `redirectUrl`"], kinds)}
Each of the \`accounts\` of a bank transfer has the terms of its country, by \`type\`: ${accountTypes().map(code).join(", ")}.
`;
}

function accountTypes(): readonly unknown[] {
  const transfer = schemaOf(nextActionSchema, "output").oneOf?.find(({ properties }) => properties?.["accounts"]);
  const accounts = transfer?.properties?.["accounts"]?.items?.oneOf ?? [];
  return accounts.map(({ properties }) => properties?.["type"]?.const);
}

function failures(): string {
  const guide = reasons.map((reason) => {
    const { meaning, remedy } = reasonGuide[reason];
    return [String(statusOfReason[reason]), code(reason), meaning, remedy];
  });
  const ofEdge = edgeReasons
    .toSorted((one, other) => one.status - other.status)
    .map(({ reason, status }) => {
      const { meaning, remedy } = edgeReasonGuide[reason];
      return [String(status), code(reason), meaning, remedy];
    });
  const matrix = calls.map((call) => [
    code(call.handler),
    ...reasons.map((reason) => {
      const when = caseOf(call)(reason);
      return when === undefined ? "" : when === true ? "✓" : "(✓)";
    }),
  ]);
  return `## Failures

A failed call answers \`{"code", "message", "metadata"}\`. \`metadata.reason\` is stable, and \`metadata.paymentIntentId\` is there whenever a PaymentIntent
exists:

\`\`\`json
${JSON.stringify(failureExample)}
\`\`\`

${table(["status", "`metadata.reason`", "it means", "the client's next step"], guide)}
The calls that answer each of them; (✓) is a case that the call's own section names:

${table(["", ...reasons.map((reason) => `${statusOfReason[reason]} ${code(reason)}`)], matrix)}
The edge answers some requests by itself, in the same form. \`errors\` beside \`metadata\` names each field of a refused body: \`[{"path": "/amount", "message": "…"}]\`.
Callers at the engine's ingress get none of these answers; there a refused body has no \`metadata\`, and its \`message\` names the first ten errors.

${table(["status", "`metadata.reason`", "it means", "the client's next step"], ofEdge)}
${outages}`;
}

function caseOf({ service, handler }: Call): (reason: FailureReason) => true | string | undefined {
  const ofCall = (failuresOfCalls as Record<string, Record<string, { [Reason in FailureReason]?: true | string }>>)[
    service
  ];
  return (reason) => ofCall?.[handler]?.[reason];
}

function textOf({ service, handler }: Call): CallText {
  const text = (callTexts as Record<string, Record<string, CallText>>)[service]?.[handler];
  if (text === undefined) throw new Error(`test/docs/callTexts.ts has nothing about ${service}/${handler}.`);
  return text;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(row), ""].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

if (import.meta.main) writeFileSync(CALLS_FILE, generateCalls());
