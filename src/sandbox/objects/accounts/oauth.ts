import { OAuthError } from "./oauthError.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { post } from "../../http/resources.ts";
import {
  type ConnectToken,
  findToken,
  isLive,
  newToken,
  revokeTokensOfCode,
  writeToken,
} from "../../world/connectTokens.ts";
import { randomText } from "../../world/identifiers.ts";
import { applicationOf, connectTo, isPlatform, platformOf, platformOfClientId } from "../../world/platforms.ts";
import { leavePlatform } from "./leaving.ts";

/**
 * OAuth of Standard accounts: the owner consents on a page, which gives a code; the platform exchanges the code, and the
 * account is connected. https://docs.stripe.com/connect/oauth-reference
 */
export const OAUTH: readonly Endpoint[] = [post("/oauth/token", issueTokens), post("/oauth/deauthorize", deauthorize)];

/** https://docs.stripe.com/connect/oauth-reference: a code is good for five minutes. */
const CODE_LIFE_MS = 5 * 60_000;

/** The one scope that is played: with `read_only`, Stripe refuses the platform's writes. */
export const SCOPE = "read_write";

type OAuthTokens = {
  readonly access_token: string;
  readonly livemode: false;
  readonly refresh_token: string;
  readonly scope: typeof SCOPE;
  readonly stripe_publishable_key: string;
  readonly stripe_user_id: string;
  readonly token_type: "bearer";
};

/** The code that a consent gives to the platform. */
export function newCode(account: string, platform: string, nowMs: number): ConnectToken {
  return newToken("code", { account, platform, expiresAtMs: nowMs + CODE_LIFE_MS });
}

function issueTokens(call: ApiCall): OAuthTokens {
  const { parameters, unit } = call;
  if (!isPlatform(unit.account)) throw new OAuthError("invalid_client", "This key doesn't belong to a platform.");
  const scope = parameters.string("scope");
  if (scope !== undefined && scope !== SCOPE) {
    throw new OAuthError(
      "invalid_scope",
      `This sandbox serves the scope ${SCOPE} only. (Stripe knows read_only, too.)`,
    );
  }
  return parameters.string("grant_type") === "refresh_token" ? refresh(call) : exchangeCode(call);
}

function exchangeCode({ parameters, unit, store }: ApiCall): OAuthTokens {
  const named = parameters.string("code");
  if (named === undefined) throw new OAuthError("invalid_request", "No authorization code provided");
  const code = findToken(store, "code", named);
  if (code?.platform !== unit.account) {
    throw new OAuthError("invalid_grant", `Authorization code does not exist: ${named}`);
  }
  if (code.isUsed) {
    // Somebody else may hold it, too. What is written with a declined answer stands.
    unit.alongside(() => revokeTokensOfCode(store, named));
    const message =
      "This authorization code has already been used. All tokens issued with this code have been revoked.";
    throw new OAuthError("invalid_grant", message, "declined");
  }
  if (!isLive(code, unit.nowMs)) throw new OAuthError("invalid_grant", `Authorization code expired: ${named}`);
  const { account, platform } = code;
  const current = platformOf(store, account);
  if (current !== null && current !== platform) {
    throw new OAuthError("invalid_grant", `The account ${account} is connected to another platform by now.`);
  }
  const refreshToken = newToken("refresh", { account, platform, code: named });
  const accessToken = newToken("access", { account, platform, code: named });
  unit.alongside(() => {
    connectTo(store, account, platform);
    for (const token of [{ ...code, isUsed: true }, refreshToken, accessToken]) writeToken(store, token);
  });
  if (current === null) unit.fire("account_joined", [applicationOf(platform)], null, { account, platform });
  return show(account, accessToken, refreshToken);
}

function refresh({ parameters, unit, store }: ApiCall): OAuthTokens {
  const named = parameters.string("refresh_token");
  if (named === undefined) throw new OAuthError("invalid_request", "No refresh token provided");
  const refreshToken = findToken(store, "refresh", named);
  if (refreshToken?.platform !== unit.account) {
    throw new OAuthError("invalid_grant", "Refresh token does not exist or was revoked");
  }
  const { account, platform, code } = refreshToken;
  const accessToken = newToken("access", { account, platform, code });
  unit.alongside(() => writeToken(store, accessToken));
  return show(account, accessToken, refreshToken);
}

function show(account: string, accessToken: ConnectToken, refreshToken: ConnectToken): OAuthTokens {
  return {
    access_token: accessToken.token,
    livemode: false,
    refresh_token: refreshToken.token,
    scope: SCOPE,
    stripe_publishable_key: `pk_test_${randomText(24)}`,
    stripe_user_id: account,
    token_type: "bearer",
  };
}

function deauthorize(call: ApiCall): { readonly stripe_user_id: string } {
  const { parameters, unit, store } = call;
  const clientId = parameters.string("client_id") ?? "";
  if (platformOfClientId(clientId) !== unit.account) {
    throw new OAuthError("invalid_client", `No such application: '${clientId}'`);
  }
  const account = parameters.string("stripe_user_id") ?? "";
  if (platformOf(store, account) !== unit.account) {
    const message = `This application is not connected to stripe account ${account}, or that account does not exist.`;
    throw new OAuthError("invalid_client", message);
  }
  leavePlatform(call, account);
  return { stripe_user_id: account };
}
