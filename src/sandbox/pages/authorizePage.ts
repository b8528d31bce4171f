import type { SandboxApp, SandboxContext } from "../http/app.ts";
import { html } from "hono/html";
import type { Stripe } from "stripe";
import { z } from "zod";
import type { Parts } from "../objects/parts.ts";
import { ControlError, parse } from "../control/controlError.ts";
import { authorize, outcomeSchema } from "../control/interventions.ts";
import { printAmount } from "../world/currencies.ts";
import { readFields } from "../http/body.ts";
import { redirect } from "../http/replies.ts";
import { look } from "./act.ts";
import { problemSummary } from "./form.ts";
import { showDone } from "./instructionsPage.ts";
import { sendPage } from "./page.ts";

/** The page to which `next_action` sends the customer, with two buttons, as Stripe's test page has. */
const choice = z.object({ outcome: outcomeSchema });

type Intent = Stripe.PaymentIntent | Stripe.SetupIntent;
export function addAuthorizePage(app: SandboxApp, parts: Parts): void {
  // A bank's page is found by the id; the page of a card's authentication by its client secret, as at Stripe.
  const pages = { "/_sandbox/authorize/:id": findById, "/_sandbox/3d_secure_2/hosted": findBySecret };
  for (const [path, find] of Object.entries(pages)) {
    app.get(path, async (context) => await showChoice(200, find(parts, context), ""));
    app.post(path, async (context) => {
      const before = find(parts, context);
      if (before === null) return await showDone(null);
      const { id } = before;
      try {
        const { outcome } = parse(choice, await readFields(context));
        await authorize(parts, { id, outcome });
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        return await showChoice(error.status, read(parts, id), error.message);
      }
      const after = read(parts, id);
      const returnUrl = before.next_action?.redirect_to_url?.return_url ?? null;
      if (returnUrl !== null && after !== null) return redirect(addResult(returnUrl, after));
      return await showDone(after);
    });
  }
}

function findById(parts: Parts, context: SandboxContext): Intent | null {
  return read(parts, context.req.param("id") ?? "");
}

function findBySecret(parts: Parts, context: SandboxContext): Intent | null {
  for (const kind of ["payment_intent", "setup_intent"] as const) {
    const intent = look(parts, kind, context.req.query(kind) ?? "");
    if (intent !== null && intent.client_secret === context.req.query(`${kind}_client_secret`)) return intent;
  }
  return null;
}

async function showChoice(status: number, intent: Intent | null, problem: string): Promise<Response> {
  if (intent?.status !== "requires_action") return await showDone(intent);
  const what =
    intent.object === "payment_intent" ? printAmount(intent.amount, intent.currency) : "Nothing is charged now.";
  const content = html`<h1>
      ${intent.object === "payment_intent" ? "Authorize this payment?" : "Save this payment method?"}
    </h1>
    <p>${what} <small>${intent.id}</small></p>
    ${problemSummary(problem === "" ? {} : { "": problem })}
    <form method="post">
      <button name="outcome" value="succeeded">Authorize test payment</button>
      <button name="outcome" value="failed" class="secondary">Fail test payment</button>
    </form>`;
  return await sendPage(status, { title: "Authorize", content });
}

const REDIRECT_STATUS: Readonly<Record<string, string>> = { requires_payment_method: "failed", processing: "pending" };

/** https://docs.stripe.com/payments/accept-a-payment: Stripe appends the result to the return URL. */
function addResult(returnUrl: string, intent: Intent): string {
  const url = new URL(returnUrl);
  url.searchParams.set(intent.object, intent.id);
  url.searchParams.set(`${intent.object}_client_secret`, intent.client_secret ?? "");
  url.searchParams.set("redirect_status", REDIRECT_STATUS[intent.status] ?? "succeeded");
  return url.href;
}

function read(parts: Parts, id: string): Intent | null {
  return look(parts, "payment_intent", id) ?? look(parts, "setup_intent", id);
}
