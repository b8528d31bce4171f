import type { SandboxApp, SandboxContext } from "../http/app.ts";
import { html } from "hono/html";
import type { Stripe } from "stripe";
import type { Parts } from "../objects/parts.ts";
import { paySession } from "../objects/checkout/sessions.ts";
import { draftOf, lineItemsOf } from "../objects/checkout/orders.ts";
import { printAmount } from "../world/currencies.ts";
import { readFields } from "../http/body.ts";
import { redirect } from "../http/replies.ts";
import { idOf } from "../world/storedObjects.ts";
import { act, look, lookAround } from "./act.ts";
import { brandOf, checkCard } from "./card.ts";
import { type Problems, problemSummary, type Values } from "./form.ts";
import { type Html, sendFragment, sendPage } from "./page.ts";
import { type Asked, checkValues, paymentFields, payWith, problemOf, readAsked } from "./paymentForm.ts";

/** Checkout's own page: the items, the form that pays for them, and the way on from there. */
export function addCheckoutPage(app: SandboxApp, parts: Parts): void {
  app.get("/_sandbox/checkout/:id", async (context) => {
    const session = look(parts, "checkout.session", context.req.param("id"));
    if (session?.status !== "open") return await showClosed(session);
    return await showOpen(parts, 200, session, prefilled(context.req.query()), {});
  });

  // The buyer comes back to this address from authentication or from a bank's page.
  app.get("/_sandbox/checkout/:id/return", async (context) => {
    const session = look(parts, "checkout.session", context.req.param("id"));
    if (session === null) return await showClosed(null);
    if (session.status !== "open") return await leave(parts, session);
    const reason = lookAround(parts, session.id, (unit) => {
      const paymentIntent = unit.find("payment_intent", draftOf(unit, session.id)?.id ?? "");
      return paymentIntent?.last_payment_error?.message;
    });
    const values = { email: session.customer_details?.email ?? "" };
    return await showOpen(parts, 200, session, values, reason === undefined ? {} : { "": reason });
  });

  app.post("/_sandbox/checkout/:id", async (context) => {
    const session = look(parts, "checkout.session", context.req.param("id"));
    if (session?.status !== "open") return await showClosed(session);
    const asked = readAsked(session);
    const values = { ...(await readValues(context)), ...lockedValues(parts, session) };
    const problems = checkValues(asked, values, parts.clock.now());
    if (Object.keys(problems).length > 0) return await showOpen(parts, 422, session, values, problems);
    const done = await act(parts, session.id, (unit) => {
      const usable = payWith(unit, asked, values);
      return paySession(unit, session.id, usable, usable.paymentMethod.billing_details);
    });
    if ("error" in done) {
      return await showOpen(parts, done.error.status, session, values, problemOf(done.error, asked, values));
    }
    const { next_action: action } = done.value;
    const elsewhere =
      action?.redirect_to_url?.url ??
      action?.display_bank_transfer_instructions?.hosted_instructions_url ??
      action?.boleto_display_details?.hosted_voucher_url ??
      action?.oxxo_display_details?.hosted_voucher_url;
    if (typeof elsewhere === "string") return redirect(elsewhere);
    return await leave(parts, look(parts, "checkout.session", session.id) ?? session);
  });

  // The hints that the form shows while a card is being typed.
  app.post("/_sandbox/card/:field", async (context) => {
    const values = await readValues(context);
    const field = context.req.param("field");
    const card = { number: values["number"] ?? "", expiry: values["expiry"] ?? "", cvc: values["cvc"] ?? "" };
    const brand = field === "number" ? brandOf(card.number)?.name : undefined;
    const isTyped = Object.hasOwn(card, field) && card[field as keyof typeof card] !== "";
    const problem = isTyped ? checkCard(card, parts.clock.now())[field as keyof typeof card] : undefined;
    return await sendFragment(
      200,
      html`${brand === undefined ? "" : html`<strong>${brand}</strong> `}${problem ?? ""}`,
    );
  });
}

async function readValues(context: SandboxContext): Promise<Values> {
  const fields = await readFields(context);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.trim()]));
}

function prefilled(query: Readonly<Record<string, string>>): Values {
  const email = query["prefilled_email"];
  return email === undefined ? {} : { email };
}

/** The buyer's details that the merchant knows already, and that the buyer can't change. */
function lockedValues(parts: Parts, session: Stripe.Checkout.Session): Values {
  const customer = look(parts, "customer", idOf(session.customer) ?? "");
  const email = session.customer_email ?? customer?.email ?? null;
  return email === null ? {} : { email };
}

async function showOpen(
  parts: Parts,
  status: number,
  session: Stripe.Checkout.Session,
  given: Values,
  problems: Problems,
): Promise<Response> {
  const asked: Asked = readAsked(session);
  const locked = lockedValues(parts, session);
  // A security code is typed again at every try.
  const values = { ...given, ...locked, cvc: "" };
  const total = printAmount(session.amount_total ?? 0, session.currency ?? "usd");
  const content = html`${
      session.cancel_url === null ? "" : html`<p><a href="${session.cancel_url}">← Back to the shop</a></p>`
    }
    <h1>${total}</h1>
    ${showItems(parts, session)} ${problemSummary(problems)}
    <form method="post" action="/_sandbox/checkout/${session.id}" novalidate>
      ${paymentFields(asked, { values, problems, locked: Object.keys(locked) })}
      <button>${VERBS[session.submit_type ?? "pay"] ?? "Pay"} ${total}</button>
    </form>
    <p><small>By paying with a bank account you allow it to be debited. This is a test: it isn't.</small></p>`;
  return await sendPage(status, { title: `Pay ${total}`, content });
}

const VERBS: Readonly<Record<string, string>> = { book: "Book for", donate: "Donate" };

function showItems(parts: Parts, session: Stripe.Checkout.Session): Html {
  const items = lookAround(parts, session.id, (unit) => lineItemsOf(unit, session.id));
  return html`<table>
    <caption class="visually-hidden">
      What you pay for
    </caption>
    <tbody>
      ${items.map(
        ({ amount_total, currency, description, quantity }) =>
          html`<tr>
            <th scope="row">${description ?? "Item"}</th>
            <td>× ${quantity ?? 1}</td>
            <td class="amount">${printAmount(amount_total, currency)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** On from a Session that is complete: to the merchant's page, or to a word of thanks. */
async function leave(parts: Parts, session: Stripe.Checkout.Session): Promise<Response> {
  const link = look(parts, "payment_link", idOf(session.payment_link) ?? "");
  const url = link?.after_completion.redirect?.url ?? session.success_url ?? session.return_url;
  if (typeof url === "string") return redirect(url.replaceAll("{CHECKOUT_SESSION_ID}", session.id));
  const message = link?.after_completion.hosted_confirmation?.custom_message ?? null;
  const content = html`<h1>${session.payment_status === "paid" ? "Thank you for your payment" : "Thank you"}</h1>
    ${session.payment_status === "paid" ? "" : html`<p>Your payment is on its way: the bank has not confirmed it yet.</p>`}
    ${message === null ? "" : html`<p>${message}</p>`}`;
  return await sendPage(200, { title: "Thank you", content });
}

async function showClosed(session: Stripe.Checkout.Session | null): Promise<Response> {
  if (session === null) {
    const content = html`<h1>There is no such page</h1>
      <p>Nothing is known under this address. Perhaps the sandbox was begun anew.</p>`;
    return await sendPage(404, { title: "Not found", content });
  }
  const isExpired = session.status === "expired";
  const isPaid = session.payment_status === "paid";
  const back = isExpired ? session.cancel_url : session.success_url;
  const content = html`<h1>${isExpired ? "This page has expired" : isPaid ? "Already paid" : "Already ordered"}</h1>
    <p>
      ${
        isExpired
          ? "Nothing was charged. Ask the shop for a new page."
          : isPaid
            ? "Your payment has been made; nothing more is to be done here."
            : "Your payment is on its way: the bank has not confirmed it yet. Please don't pay again."
      }
    </p>
    ${back === null ? "" : html`<p><a href="${back.replaceAll("{CHECKOUT_SESSION_ID}", session.id)}">Back to the shop</a></p>`}`;
  return await sendPage(200, { title: isExpired ? "Expired" : "Paid", content });
}
