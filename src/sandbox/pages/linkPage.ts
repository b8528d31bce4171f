import type { SandboxApp } from "../http/app.ts";
import { redirect } from "../http/replies.ts";
import { html } from "hono/html";
import { z } from "zod";
import type { Parts } from "../objects/parts.ts";
import { closedBecause, visitLink } from "../objects/checkout/paymentLinks.ts";
import { act, look } from "./act.ts";
import { sendPage } from "./page.ts";

/**
 * A Payment Link's address: every visit opens a Checkout Session of its own. The address may prefill fields, by
 * https://docs.stripe.com/payment-links/customize: as there, a reference that can't be one is dropped without a word.
 */
const visit = z.object({
  client_reference_id: z
    .string()
    .regex(/^[\w-]{1,200}$/)
    .nullable()
    .catch(null)
    .default(null),
  locked_prefilled_email: z.email().nullable().catch(null).default(null),
  prefilled_email: z.string().nullable().catch(null).default(null),
});

export function addLinkPage(app: SandboxApp, parts: Parts): void {
  app.get("/_sandbox/link/:id", async (context) => {
    const link = look(parts, "payment_link", context.req.param("id"));
    const reason = link === null ? "There is no such link." : closedBecause(link);
    if (link === null || reason !== null) {
      const content = html`<h1>This link can't be used</h1>
        <p>${reason}</p>`;
      return await sendPage(link === null ? 404 : 200, { title: "Link", content });
    }
    const { client_reference_id, locked_prefilled_email, prefilled_email } = visit.parse(context.req.query());
    const visitor = { clientReferenceId: client_reference_id, email: locked_prefilled_email };
    const done = await act(parts, link.id, (unit) => visitLink(unit, link, visitor));
    if ("error" in done) throw done.error;
    const query = prefilled_email === null ? "" : `?${new URLSearchParams({ prefilled_email }).toString()}`;
    return redirect(`/_sandbox/checkout/${done.value.id}${query}`);
  });
}
