import type { SandboxApp } from "../http/app.ts";
import { html } from "hono/html";
import type { Stripe } from "stripe";
import { z } from "zod";
import type { Parts } from "../objects/parts.ts";
import { fund } from "../objects/methods/cashBalance.ts";
import { ControlError, parse } from "../control/controlError.ts";
import { settle } from "../control/interventions.ts";
import { amountInputOf, printAmount, readAmountInput } from "../world/currencies.ts";
import { readFields } from "../http/body.ts";
import { redirect } from "../http/replies.ts";
import { idOf } from "../world/storedObjects.ts";
import { act, look } from "./act.ts";
import { facts } from "./facts.ts";
import { type Field, field, problemSummary, type Problems } from "./form.ts";
import { sendPage } from "./page.ts";

/** Pages for payments that are made elsewhere: bank transfers and vouchers, each with a button that pays. */
export function addInstructionsPages(app: SandboxApp, parts: Parts): void {
  app.get("/_sandbox/transfer/:id", async (context) => {
    return await showTransfer(look(parts, "payment_intent", context.req.param("id")), {});
  });

  app.post("/_sandbox/transfer/:id", async (context) => {
    const paymentIntent = look(parts, "payment_intent", context.req.param("id"));
    const customer = idOf(paymentIntent?.customer);
    if (paymentIntent?.status !== "requires_action" || customer === null) return await showTransfer(paymentIntent, {});
    const { currency } = paymentIntent;
    const { amount } = parse(transfer, await readFields(context));
    const amountMinor = readAmountInput(amount, currency);
    if (amountMinor === null) {
      const problems = {
        amount: `Enter an amount in ${currency.toUpperCase()}, such as ${amountInputOf(1000, currency)}.`,
      };
      return await showTransfer(paymentIntent, problems);
    }
    const done = await act(parts, paymentIntent.id, (unit) => fund(unit, customer, currency, amountMinor));
    if ("error" in done) return await showTransfer(paymentIntent, { amount: done.error.message });
    return redirect(`/_sandbox/transfer/${paymentIntent.id}`);
  });

  app.get("/_sandbox/voucher/:id", async (context) => {
    return await showVoucher(look(parts, "payment_intent", context.req.param("id")), "");
  });

  app.post("/_sandbox/voucher/:id", async (context) => {
    const id = context.req.param("id");
    try {
      await settle(parts, { id, ...parse(choice, await readFields(context)) });
      return redirect(`/_sandbox/voucher/${id}`);
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return await showVoucher(look(parts, "payment_intent", id), error.message);
    }
  });
}

const transfer = z.object({ amount: z.string().default("") });
const choice = z.object({ outcome: z.enum(["succeeded", "failed"]) });

const AMOUNT: Field = { name: "amount", label: "Amount to transfer", autocomplete: "off" };

async function showTransfer(paymentIntent: Stripe.PaymentIntent | null, problems: Problems): Promise<Response> {
  const instructions = paymentIntent?.next_action?.display_bank_transfer_instructions;
  if (paymentIntent?.status !== "requires_action" || instructions === undefined) return await showDone(paymentIntent);
  const { currency } = paymentIntent;
  const remaining = instructions.amount_remaining ?? 0;
  const values = { amount: amountInputOf(remaining, currency) };
  const content = html`<h1>Transfer ${printAmount(remaining, currency)}</h1>
    ${remaining === paymentIntent.amount ? "" : html`<p>Of ${printAmount(paymentIntent.amount, currency)}; the rest has arrived.</p>`}
    ${facts([
      ["Reference", instructions.reference ?? ""],
      ["Kind of transfer", instructions.type],
    ])}
    ${problemSummary(problems)}
    <form method="post" novalidate>
      ${field(AMOUNT, { values, problems, locked: [] })}
      <button>Play the bank: transfer it</button>
    </form>`;
  return await sendPage(Object.keys(problems).length === 0 ? 200 : 422, { title: "Bank transfer", content });
}

async function showVoucher(paymentIntent: Stripe.PaymentIntent | null, problem: string): Promise<Response> {
  const { boleto_display_details: boleto, oxxo_display_details: oxxo } = paymentIntent?.next_action ?? {};
  const voucher = boleto ?? oxxo;
  if (paymentIntent?.status !== "requires_action" || voucher === undefined) return await showDone(paymentIntent);
  const expiresAt = boleto?.expires_at ?? oxxo?.expires_after ?? 0;
  const content = html`<h1>Pay ${printAmount(paymentIntent.amount, paymentIntent.currency)}</h1>
    ${facts([
      [boleto === undefined ? "OXXO voucher" : "Boleto", voucher.number ?? ""],
      ["Pay until", new Date((expiresAt ?? 0) * 1000).toUTCString()],
    ])}
    ${problemSummary(problem === "" ? {} : { "": problem })}
    <form method="post">
      <button name="outcome" value="succeeded">Play the customer: pay the voucher</button>
      <button name="outcome" value="failed" class="secondary">Let it expire</button>
    </form>`;
  return await sendPage(problem === "" ? 200 : 409, { title: "Voucher", content });
}

const ENDS: Readonly<Record<string, string>> = {
  succeeded: "Paid. You can close this page.",
  canceled: "This payment was cancelled by the shop. Nothing more is to be paid.",
  requires_payment_method: "This payment has failed or expired. Nothing was charged.",
  processing: "The bank is at work on this payment.",
};

/** The page of a payment that no longer waits for its customer. */
export async function showDone(object: Stripe.PaymentIntent | Stripe.SetupIntent | null): Promise<Response> {
  if (object === null) {
    return await sendPage(404, { title: "Not found", content: html`<h1>There is no such payment</h1>` });
  }
  const text = ENDS[object.status] ?? `This payment no longer waits for you. It is: ${object.status}.`;
  return await sendPage(200, {
    title: "Payment",
    content: html`<h1>${text}</h1>
      <p><small>${object.id}</small></p>`,
  });
}
