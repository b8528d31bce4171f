/** Standard accounts by OAuth: their owner consents on a page of Stripe's, and may leave again. https://docs.stripe.com/connect/oauth-standard-accounts */
import { hash, randomBytes } from "node:crypto";
import type {
  CompleteConnectRequest,
  ConnectedAccount,
  ConnectUrl,
  CreateConnectUrlRequest,
  DisconnectAccountRequest,
  DisconnectedAccount,
} from "./contract.ts";
import type { Call, Surroundings } from "../durable/call.ts";
import { failure, invalidField } from "../durable/failures.ts";
import { connectStateInterface, type ConnectIntent } from "./interface.ts";
import { readAccount, readNamedAccount } from "./object.ts";

/** In a `returnUrl`, so that the page to which it leads learns which account was connected. Stripe's `{CHECKOUT_SESSION_ID}` is such a one. */
const accountIdPlaceholder = "{ACCOUNT_ID}";

/** Who opens an account at Stripe on the way takes their time. */
const stateLifeMs = 24 * 60 * 60 * 1000;

/**
 * Makes the address of Stripe's page on which an owner connects an account to the merchant's.
 * @throws TerminalError `invalid_request` where the merchant has no client id
 */
export async function createConnectUrl(call: Call, { returnUrl }: CreateConnectUrlRequest): Promise<ConnectUrl> {
  const made = await call.fix("make the state", (surroundings) => {
    const { merchant, settings, stripe, nowMs } = surroundings;
    const { clientId } = merchant;
    if (clientId === null) return null;
    // Not of the engine's own randomness, which follows from the id of the call.
    const state = randomBytes(32).toString("base64url");
    const redirectUri = settings.connectRedirectUri ?? null;
    return { state, url: stripe.authorizeUrl({ clientId, state, redirectUri }), expiresAtMs: nowMs + stateLifeMs };
  });
  if (made === null) throw clientIdMissing();
  const { state, url, expiresAtMs } = made;
  const intent: ConnectIntent = { merchant: call.account.merchant, returnUrl, expiresAtMs };
  await call.ctx.client(connectStateInterface, connectStateKey(state)).keep(intent);
  return { url };
}

/**
 * Tells what a state stands for that came back, and uses it up.
 * @throws TerminalError `invalid_request` for one that was not given out to this merchant, has expired, or was used
 */
export async function redeemState(call: Call, request: CompleteConnectRequest): Promise<ConnectIntent> {
  const intent = await call.ctx.client(connectStateInterface, connectStateKey(request.state)).redeem({
    merchant: request.merchant ?? null,
  });
  if (intent !== null) return intent;
  throw invalidField("state", "The state was not given out, has expired, or was used before: begin again.", {});
}

/**
 * Connects the account whose owner has consented.
 * @param call of the merchant for whom the state was given out
 * @throws TerminalError `invalid_request` for a code that is used, expired or somebody else's
 */
export async function completeConnect(
  call: Call,
  { code }: CompleteConnectRequest,
  { returnUrl }: ConnectIntent,
): Promise<ConnectedAccount> {
  const idempotencyKey = await call.nextIdempotencyKey();
  const exchanged = await call.send("exchange the code", (stripe) => stripe.exchangeCode(code, idempotencyKey));
  if (exchanged.kind === "refused") throw invalidField("code", exchanged.message, {});
  const { accountId } = exchanged;
  const seen = await readAccount(call, accountId);
  if (seen.kind === "left") {
    throw failure("deauthorized", `The account ${accountId} was connected, and has left already.`, { accountId });
  }
  return { ...seen.account, returnUrl: returnUrl.replaceAll(accountIdPlaceholder, accountId) };
}

/**
 * Disconnects an account. https://docs.stripe.com/connect/oauth-reference#post-deauthorize
 * @throws TerminalError `not_found` for an account that is not connected, or `invalid_request`
 */
export async function disconnectAccount(
  call: Call,
  { accountId }: DisconnectAccountRequest,
): Promise<DisconnectedAccount> {
  const clientId = await call.fix("fix the client id", clientIdOf);
  if (clientId === null) throw clientIdMissing();
  await readNamedAccount(call, accountId);
  const asked = await call.send("disconnect account", (stripe) => stripe.deauthorize(clientId, accountId));
  // An attempt whose answer was lost has done it already.
  if (asked.kind === "disconnected" || (await readAccount(call, accountId)).kind === "left") {
    return { accountId, status: "disconnected" };
  }
  throw failure("invalid_request", asked.message, { accountId });
}

/** The object's key. The state itself is a secret, which operators need not see. */
function connectStateKey(state: string): string {
  return hash("sha256", state, "base64url");
}

function clientIdOf({ merchant }: Surroundings): string | null {
  return merchant.clientId;
}

function clientIdMissing() {
  const message = "OAuth needs the client id of your Connect platform: set STRIPE_CLIENT_ID (ca_…).";
  return failure("invalid_request", message, {});
}
