import type { FastifyInstance, FastifyReply } from "fastify";
import type { Stripe } from "stripe";
import { html } from "hono/html";
import { z } from "zod";
import type { Parts } from "../api.ts";
import { authorize, ControlError, outcomeSchema, parse } from "../control.ts";
import { printAmount } from "../currencies.ts";
import { parseForm } from "../parameters.ts";
import { sendPage } from "./page.ts";

/** Where `next_action` sends the customer: a page with two buttons, as Stripe's test page has. */
const choice = z.object({ outcome: outcomeSchema });

export function addAuthorizePage(server: FastifyInstance, parts: Parts): void {
  server.get<{ Params: { id: string } }>("/_sandbox/authorize/:id", async (request, reply) => {
    const paymentIntent = read(parts, request.params.id);
    if (paymentIntent === null) return await say(reply, 404, "There is no such PaymentIntent.");
    const { amount, currency, id, status } = paymentIntent;
    if (status !== "requires_action") {
      return await say(reply, 200, `This payment no longer waits for you. It is: ${status}.`);
    }
    const content = html`<h1>Authorize this payment?</h1>
      <p>${printAmount(amount, currency)} <small>${id}</small></p>
      <form method="post">
        <button name="outcome" value="succeeded">Authorize test payment</button>
        <button name="outcome" value="failed" class="secondary">Fail test payment</button>
      </form>`;
    return await sendPage(reply, 200, { title: "Authorize", content });
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
      return await say(reply, 200, "Done. You can close this page.");
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return await say(reply, error.status, error.message);
    }
  });
}

async function say(reply: FastifyReply, status: number, text: string): Promise<FastifyReply> {
  return await sendPage(reply, status, { title: "Payment", content: html`<p>${text}</p>` });
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
