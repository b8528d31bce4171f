import { createStripeClient, type StripeTarget } from "./client.ts";
import { meaningOf } from "./errorMeaning.ts";

/** What one authenticated read says about the configured key. */
export type AccountCheck =
  | { readonly kind: "ok"; readonly accountId: string }
  /** 401: nothing will work until somebody changes the key. */
  | { readonly kind: "rejected"; readonly message: string }
  /** Stripe could not be asked, or does not tell this key; that says nothing about payments. */
  | { readonly kind: "unavailable"; readonly message: string };

/** Reads the account that the key belongs to. https://docs.stripe.com/api/accounts/retrieve */
export async function checkAccount(target: StripeTarget): Promise<AccountCheck> {
  try {
    const account = await createStripeClient(target).accounts.retrieveCurrent();
    // A proxy's answer in front of an ailing Stripe may be JSON and yet no account.
    if (typeof account.id !== "string") return { kind: "unavailable", message: "Stripe answered without an account." };
    return { kind: "ok", accountId: account.id };
  } catch (error) {
    const meaning = meaningOf(error);
    if (meaning.kind === "operator" && meaning.problem === "forbidden") {
      return { kind: "unavailable", message: "The API key may not read its account (403); payments don't need that." };
    }
    if (meaning.kind === "operator") return { kind: "rejected", message: `${meaning.message}${hintAt(target)}` };
    return {
      kind: "unavailable",
      message: "message" in meaning ? meaning.message : `Stripe answered: ${meaning.kind}.`,
    };
  }
}

/** Another API than Stripe's may have reasons of its own; the local sandbox takes test keys only. */
function hintAt({ apiBase }: StripeTarget): string {
  return apiBase === undefined ? "" : ` It was asked at ${apiBase} (STRIPE_API_BASE); a sandbox takes test keys only.`;
}
