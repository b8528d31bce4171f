import type { FastifyInstance } from "fastify";
import type { Stripe } from "stripe";
import { z } from "zod";
import type { Parts } from "./api.ts";
import { authorize, ControlError, outcomeSchema, parse } from "./control.ts";
import { parseForm } from "./parameters.ts";

/** Where `next_action` sends the customer: a page with two buttons, as Stripe's test page has. */
const choice = z.object({ outcome: outcomeSchema });

export function addAuthorizePage(server: FastifyInstance, parts: Parts): void {
  server.get<{ Params: { id: string } }>("/_sandbox/authorize/:id", (request, reply) => {
    const paymentIntent = read(parts, request.params.id);
    reply.type("text/html; charset=utf-8");
    if (paymentIntent === null) return reply.code(404).send(page("<p>There is no such PaymentIntent.</p>"));
    if (paymentIntent.status !== "requires_action") {
      return reply.send(page(`<p>This payment no longer waits for you. It is: ${escape(paymentIntent.status)}.</p>`));
    }
    return reply.send(
      page(`<p>${escape(paymentIntent.id)}: ${paymentIntent.amount} ${escape(paymentIntent.currency)} (minor units)</p>
<form method="post">
<button name="outcome" value="succeeded">Authorize test payment</button>
<button name="outcome" value="failed">Fail test payment</button>
</form>`),
    );
  });

  server.post<{ Params: { id: string } }>("/_sandbox/authorize/:id", async (request, reply) => {
    const { id } = request.params;
    const before = read(parts, id);
    try {
      const { outcome } = parse(choice, parseForm(typeof request.body === "string" ? request.body : ""));
      await authorize(parts, { id, outcome });
      const after = read(parts, id);
      const returnUrl = before?.next_action?.redirect_to_url?.return_url ?? null;
      if (returnUrl !== null && after !== null) return reply.redirect(addResult(returnUrl, after), 303);
      return reply.type("text/html; charset=utf-8").send(page("<p>Done. You can close this page.</p>"));
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return reply
        .code(error.status)
        .type("text/html; charset=utf-8")
        .send(page(`<p>${escape(error.message)}</p>`));
    }
  });
}

const REDIRECT_STATUS: Readonly<Record<string, string>> = { requires_payment_method: "failed", processing: "pending" };

/** https://docs.stripe.com/payments/accept-a-payment: what Stripe appends to the return URL. */
function addResult(returnUrl: string, paymentIntent: Stripe.PaymentIntent): string {
  const url = new URL(returnUrl);
  url.searchParams.set("payment_intent", paymentIntent.id);
  url.searchParams.set("payment_intent_client_secret", paymentIntent.client_secret ?? "");
  url.searchParams.set("redirect_status", REDIRECT_STATUS[paymentIntent.status] ?? "succeeded");
  return url.href;
}

function read({ store }: Parts, id: string): Stripe.PaymentIntent | null {
  const row = store.row("SELECT body FROM objects WHERE id = ? AND kind = 'payment_intent'", id);
  return row === undefined ? null : (JSON.parse(String(row["body"])) as Stripe.PaymentIntent);
}

function page(content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SANDBOX</title></head>
<body><h1>SANDBOX: no real money moves here</h1>${content}</body></html>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
