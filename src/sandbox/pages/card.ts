import creditCardType from "credit-card-type";
import { passesLuhn } from "../objects/methods/cards.ts";

/**
 * Checks of a card while it is typed, before any bank is asked. The brands' patterns are a library's; the checks are ours,
 * because they go by the sandbox's clock and speak to the person who types.
 */
export type CardField = "number" | "expiry" | "cvc";
export type CardValues = Readonly<Record<CardField, string>>;

type Expiry = { readonly month: number; readonly year: number };

/** The brand that the digits typed so far can only belong to; null while that is open. */
export function brandOf(number: string): { readonly name: string; readonly cvcLength: number } | null {
  const digits = number.replaceAll(/[\s-]/g, "");
  const candidates = digits === "" ? [] : creditCardType(digits);
  const [only] = candidates;
  if (only === undefined || candidates.length > 1) return null;
  return { name: only.niceType, cvcLength: only.code.size };
}

/**
 * Takes `12/34`, `12 / 2034` and `1234`. Two runs of spaces never stand side by side in the pattern, because the time that it
 * takes would grow with the square of their length.
 */
export function readExpiry(text: string): Expiry | null {
  const [, month, year] = /^(\d{1,2})\s*(?:[/.-]\s*)?(\d{2}|\d{4})$/.exec(text.trim()) ?? [];
  if (month === undefined || year === undefined || Number(month) < 1 || Number(month) > 12) return null;
  return { month: Number(month), year: Number(year) + (year.length === 2 ? 2000 : 0) };
}

/** The problems of each field, in words for the person who fills it. */
export function checkCard({ number, expiry, cvc }: CardValues, nowMs: number): Partial<Record<CardField, string>> {
  return {
    ...problem("number", checkNumber(number)),
    ...problem("expiry", checkExpiry(expiry, nowMs)),
    ...problem("cvc", checkCvc(cvc, number)),
  };
}

function problem(field: CardField, text: string | null): Partial<Record<CardField, string>> {
  return text === null ? {} : { [field]: text };
}

function checkNumber(number: string): string | null {
  const digits = number.replaceAll(/[\s-]/g, "");
  if (digits === "") return "Enter your card number.";
  if (/\D/.test(digits)) return "A card number has digits only.";
  const lengths = creditCardType(digits).flatMap((type) => type.lengths);
  if (digits.length < Math.min(...lengths, 19)) return "Your card number is incomplete.";
  return passesLuhn(digits) ? null : "Your card number is invalid.";
}

function checkExpiry(text: string, nowMs: number): string | null {
  if (text.trim() === "") return "Enter the expiry date.";
  const expiry = readExpiry(text);
  if (expiry === null) return "Enter the expiry date as MM / YY.";
  const now = new Date(nowMs);
  const monthsLeft = (expiry.year - now.getUTCFullYear()) * 12 + expiry.month - (now.getUTCMonth() + 1);
  if (monthsLeft < 0) return "Your card has expired.";
  return monthsLeft > 50 * 12 ? "The expiry date is too far in the future." : null;
}

function checkCvc(cvc: string, number: string): string | null {
  const brand = brandOf(number);
  const lengths = brand === null ? [3, 4] : [brand.cvcLength];
  if (cvc.trim() === "") return "Enter the security code.";
  if (/^\d+$/.test(cvc.trim()) && lengths.includes(cvc.trim().length)) return null;
  return `The security code has ${lengths.join(" or ")} digits.`;
}
