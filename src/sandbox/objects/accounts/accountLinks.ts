import type { Stripe } from "stripe";
import { failure, missing, parameterMissing, refusal } from "../../http/apiError.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { post } from "../../http/resources.ts";
import { toUnixSeconds } from "../../world/clock.ts";
import { type ConnectToken, findToken, isLive, newToken, writeToken } from "../../world/connectTokens.ts";
import type { Store } from "../../world/store.ts";

/**
 * A link leads one visitor once to the onboarding of an account. The visit that it opens has an address of its own, so that
 * the page may be loaded again. https://docs.stripe.com/api/account_links
 */
export const ACCOUNT_LINKS: readonly Endpoint[] = [post("/v1/account_links", createAccountLink)];

const LINK_LIFE_MS = 5 * 60_000;
const VISIT_LIFE_MS = 60 * 60_000;

function createAccountLink({ parameters, unit, store }: ApiCall): Stripe.AccountLink {
  const id = parameters.string("account") ?? "";
  const account = unit.find("account", id);
  if (account === undefined) throw missing("account", id, "account");
  if (parameters.has("collect") && parameters.has("collection_options")) {
    const message = "You may only specify one of these parameters: collect, collection_options.";
    throw refusal(message, { code: "parameters_exclusive", param: "collect" });
  }
  if (parameters.string("type") === "account_update" && account.controller?.requirement_collection !== "application") {
    const message =
      "You cannot create `account_update` type Account Links for this account. Valid types are: [account_onboarding].";
    throw failure(message, { param: "type" });
  }
  const expiresAtMs = unit.nowMs + LINK_LIFE_MS;
  const link = newToken("account_link", {
    account: id,
    platform: unit.account,
    expiresAtMs,
    returnUrl: readPageUrl(parameters.string("return_url"), "return_url"),
    refreshUrl: readPageUrl(parameters.string("refresh_url"), "refresh_url"),
  });
  unit.alongside(() => writeToken(store, link));
  return {
    object: "account_link",
    created: unit.nowSeconds,
    expires_at: toUnixSeconds(expiresAtMs),
    url: `${unit.pace.baseUrl()}/_sandbox/account_link/${link.token}`,
  };
}

/** A page of the platform's website; Stripe takes http in test mode. */
function readPageUrl(url: string | undefined, param: string): string {
  if (url === undefined) throw parameterMissing(param);
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  throw refusal("Not a valid URL", { code: "url_invalid", param });
}

/** Uses the link up and gives the visit that it opens; null when the link is used, expired or revoked. */
export function openLink(store: Store, link: ConnectToken, nowMs: number): ConnectToken | null {
  if (!isLive(link, nowMs)) return null;
  const { account, platform, returnUrl, refreshUrl } = link;
  const expiresAtMs = nowMs + VISIT_LIFE_MS;
  const visit = newToken("visit", { account, platform, expiresAtMs, returnUrl, refreshUrl });
  writeToken(store, { ...link, isUsed: true });
  writeToken(store, visit);
  return visit;
}

/** The visit while it is open; null once it has ended. */
export function findVisit(store: Store, token: string, nowMs: number): ConnectToken | null {
  const visit = findToken(store, "visit", token);
  return visit !== null && isLive(visit, nowMs) ? visit : null;
}
