import { createStripeClient, type StripeTarget } from "./client.ts";
import { meaningOf } from "./errorMeaning.ts";

/** What one authenticated read says about the configured key. */
export type AccountCheck =
  | {
      readonly kind: "ok";
      readonly accountId: string;
      /** How far this machine's clock is ahead of Stripe's, negative where it is behind; null where Stripe didn't say the time. */
      readonly clockAheadMs: number | null;
    }
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
    const clockAheadMs = clockAheadOf(account.lastResponse.headers["date"], Date.now());
    return { kind: "ok", accountId: account.id, clockAheadMs };
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

/**
 * How far this machine's clock is ahead of that of the server which answered, negative where it is behind; null where the answer names
 * no time. It names whole seconds, so that it is half a second late on average. https://www.rfc-editor.org/rfc/rfc9110#name-date
 */
export function clockAheadOf(dateHeader: string | undefined, nowMs: number): number | null {
  const serversMs = Date.parse(dateHeader ?? "");
  return Number.isNaN(serversMs) ? null : Math.round(nowMs - (serversMs + 500));
}

/** Far more than an answer takes, and far less than the five minutes that receivers of signed requests tolerate. */
const clockToleratedMs = 60_000;

/** What an operator should know of a clock that differs from Stripe's by more than a minute, or null. */
export function clockWarning(clockAheadMs: number | null): string | null {
  if (clockAheadMs === null || Math.abs(clockAheadMs) <= clockToleratedMs) return null;
  const minutes = Math.round(Math.abs(clockAheadMs) / 60_000);
  const direction = clockAheadMs > 0 ? "ahead of" : "behind";
  return `The clock of this machine is ${minutes} ${minutes === 1 ? "minute" : "minutes"} ${direction} Stripe's. Payments come out right all the same, but deadlines and polls come that much too ${clockAheadMs > 0 ? "late" : "early"} where the engine's clock is right, and receivers refuse notifications whose signature is more than five minutes off. Set the clock (NTP).`;
}

/** Another API than Stripe's may have reasons of its own; the local sandbox takes test keys only. */
function hintAt({ apiBase }: StripeTarget): string {
  return apiBase === undefined ? "" : ` It was asked at ${apiBase} (STRIPE_API_BASE); a sandbox takes test keys only.`;
}
