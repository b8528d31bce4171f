/** The page that ends "Connect to Stripe": that the account is connected, or why not, in words of ours alone. */
import type { Answer, EdgeFailure } from "./failures.ts";

export type ConnectPage = {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** Names for who is asked for help; none of them is of a person. */
  readonly codes?: readonly string[];
  /** Where the person goes on. */
  readonly next?: URL;
  readonly headers?: Readonly<Record<string, string>>;
};

const again = "Go back to where you began, and begin again.";
const notConnected = "Stripe was not connected";

/** Long enough to read it. */
const leadOnAfterSeconds = { ready: 3, notReady: 10 };

/** @param next an address that is fit for a browser, to which the page leads on by itself; null: the person closes the page */
export function connectedPage({ chargesEnabled }: { readonly chargesEnabled: boolean }, next: URL | null): ConnectPage {
  const ready = "Your Stripe account is connected, and can take payments.";
  const later =
    "Your Stripe account is connected. Stripe still needs something before it can take payments: see your Stripe Dashboard.";
  const page = { status: 200, title: "Stripe connected" };
  const text = chargesEnabled ? ready : later;
  if (next === null) return { ...page, text: `${text} You can close this page.` };
  const seconds = chargesEnabled ? leadOnAfterSeconds.ready : leadOnAfterSeconds.notReady;
  return { ...page, text, next, headers: { refresh: `${seconds};url=${next.href}` } };
}

/** The page asks again by itself: the same code is the same call. */
export function connectingPage(): ConnectPage {
  return {
    status: 202,
    title: "Stripe is being connected",
    text: "This takes longer than usual. The page looks again by itself.",
    headers: { refresh: "5" },
  };
}

/** https://docs.stripe.com/connect/oauth-reference#get-authorize-errors */
const textsOfStripe: ReadonlyMap<string, string> = new Map([
  ["access_denied", `You chose not to connect your Stripe account. ${again}`],
  ["invalid_scope", "The platform asked Stripe for rights that it does not have. Tell its owner."],
  ["invalid_redirect_uri", "The platform's address for this page is not the one that Stripe knows. Tell its owner."],
  ["invalid_request", "The platform asked Stripe in a way that Stripe does not take. Tell its owner."],
  ["unsupported_response_type", "The platform asked Stripe in a way that Stripe does not take. Tell its owner."],
]);

/** @param error Stripe's word. Its description is not shown: anybody can write one into a link to this page. */
export function refusedPage(error: string): ConnectPage {
  const text = textsOfStripe.get(error);
  if (text === undefined) return { status: 400, title: notConnected, text: `Stripe did not allow it. ${again}` };
  return { status: 400, title: notConnected, text, codes: [error] };
}

export function strangeLinkPage(): ConnectPage {
  const text = `This link is not whole. It has to be opened as Stripe gave it, once. ${again}`;
  return { status: 400, title: notConnected, text };
}

const textsOfReasons: Readonly<Record<string, string>> = {
  invalid_request: `The link is too old, was used already, or is not of this service. ${again}`,
  not_found: `The link is too old, or is not of this service. ${again}`,
  conflict: `The account can't be connected as it is now. ${again}`,
  idempotency_key_reused: `The link was changed since it was used first. ${again}`,
  timed_out: `It took too long. ${again}`,
  canceled: `It was cancelled. ${again}`,
  rate_limited: "Too many requests came from your address. Reload this page in a moment.",
  needs_review: "The outcome is not known. Ask the owner of this service before you begin again.",
};

/** @param answer of the failed call. Its message is for programs, and not shown. */
export function failedPage({ status, body, headers = {} }: Answer): ConnectPage {
  const { metadata = {} } = body as { readonly metadata?: Readonly<Record<string, unknown>> };
  const codes = [metadata["reason"], metadata["stripeCode"]].filter(isCode);
  const [reason = ""] = codes;
  return { status, title: notConnected, text: textsOfReasons[reason] ?? `It failed. ${again}`, codes, headers };
}

/** @param failure of the edge itself, where the service can't be asked */
export function unansweredPage({ reason, more }: EdgeFailure, status: number): ConnectPage {
  const retryAfter = more.retryAfterSeconds;
  return {
    status,
    title: "Stripe is not connected yet",
    text: "The payment service does not answer now. Reload this page in a moment: nothing is done twice.",
    codes: [reason],
    ...(retryAfter !== undefined && { headers: { "retry-after": String(retryAfter) } }),
  };
}

function isCode(value: unknown): value is string {
  return typeof value === "string" && /^[a-z_]{1,64}$/.test(value);
}

const contentSecurityPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The address of the page holds a code: nothing that the page does may tell it to anybody. */
const strictHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export function showPage({ status, title, text, codes = [], next, headers = {} }: ConnectPage): Response {
  const small = codes.length === 0 ? "" : `\n      <p><small>${escaped(codes.join(", "))}</small></p>`;
  const link = next === undefined ? "" : `\n      <p><a href="${escaped(next.href)}">Continue</a></p>`;
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${escaped(title)}</title>
    <link rel="icon" href="../docs/icon.png" />
    <link rel="stylesheet" href="../docs/page.css" />
  </head>
  <body>
    <main>
      <h1>${escaped(title)}</h1>
      <p>${escaped(text)}</p>${link}${small}
    </main>
  </body>
</html>
`;
  return new Response(html, {
    status,
    headers: { ...strictHeaders, ...headers, "content-type": "text/html; charset=utf-8" },
  });
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
