/**
 * `GET /connect/callback`: where Stripe sends the browser of a merchant who has connected a Standard account, or has not.
 * `accounts/completeConnect` redeems the code; whose it is says the state. Both are secrets: neither is logged, shown or sent on. The
 * call's key is made of the code, so a page that is loaded again gets the same answer. https://docs.stripe.com/connect/oauth-standard-accounts
 */
import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { returnUrlSchema } from "../api/fields.ts";
import { defaultMerchant } from "../merchants/rules.ts";
import type { Admission } from "./admission.ts";
import type { KeySpace } from "./callIdentity.ts";
import {
  connectedPage,
  connectingPage,
  failedPage,
  refusedPage,
  showPage,
  strangeLinkPage,
  unansweredPage,
} from "./connectPage.ts";
import { failureAnswer, failureOf, type Answer } from "./failures.ts";
import type { PublicCalls } from "./publicCalls.ts";
import type { StripeClock } from "./stripeClock.ts";

export type ConnectParts = {
  readonly publicCalls: Pick<PublicCalls, "makeCall">;
  readonly clock: StripeClock;
  readonly admission: Pick<Admission, "addressOf" | "countRefused">;
};

const target = { service: "accounts", handler: "completeConnect" };

/** No API key has such a name, so that nobody asks for these calls again. */
const space: KeySpace = { merchant: defaultMerchant, name: "/connect/callback" };

/** A person waits so long for a page that shows nothing. After it the page says so, and asks again. */
const patience = { waitMs: 8_000, applied: null };

/** Longer than any code or state. */
const secretShape = /^[\x21-\x7e]{1,2048}$/;

/** What the page needs of the account that was connected. */
const connectedShape = z.object({
  chargesEnabled: z.boolean(),
  returnUrl: returnUrlSchema.nullish().catch(null),
});

export function createConnectCallback({ publicCalls, clock, admission }: ConnectParts) {
  return async (incoming: IncomingMessage, gone: AbortSignal): Promise<Response> => {
    const receivedAtMs = clock.trustedNowMs();
    const address = admission.addressOf(incoming);
    const { searchParams } = new URL(incoming.url ?? "", "http://edge");
    const error = onlyOf(searchParams, "error");
    const code = onlyOf(searchParams, "code");
    const state = onlyOf(searchParams, "state");
    try {
      if (error !== null && code === null) return showPage(refusedPage(error));
      if (error !== null || code === null || state === null) {
        await admission.countRefused(address);
        return showPage(strangeLinkPage());
      }
      const value = { code, state };
      const request = {
        target,
        space,
        idempotencyKey: hash("sha256", code, "base64url"),
        value,
        body: JSON.stringify(value),
        receivedAtMs,
      };
      const answer = await publicCalls.makeCall(request, patience, gone);
      if (answer.status >= 400 && answer.status < 500) await admission.countRefused(address);
      return pageOf(answer);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure === null) throw thrown;
      const answer = failureAnswer(failure);
      return showPage(answer.status < 500 ? failedPage(answer) : unansweredPage(failure, answer.status));
    }
  };
}

/** The outcome, as the person sees it. */
function pageOf(answer: Answer): Response {
  if (answer.status === 202) return showPage(connectingPage());
  if (answer.status >= 300) return showPage(failedPage(answer));
  const { returnUrl, ...account } = connectedShape.parse(answer.body);
  const url = returnUrl === null || returnUrl === undefined ? null : URL.parse(returnUrl);
  return showPage(connectedPage(account, url));
}

/** A value that came once, and is a text that Stripe or we may have made; null for any other. */
function onlyOf(parameters: URLSearchParams, name: string): string | null {
  const values = parameters.getAll(name);
  const [value] = values;
  return values.length === 1 && value !== undefined && secretShape.test(value) ? value : null;
}
