/** OAuth, by which the owner of a Standard account lets a platform act for it. https://docs.stripe.com/connect/oauth-reference */
import type { Stripe } from "stripe";
import { ask, refusalMessage, StripeAccessError } from "../../stripe/request.ts";

/** The tokens that Stripe gives are not kept: the platform's own key acts for the account. */
type ExchangeResult =
  | { readonly kind: "connected"; readonly accountId: string }
  | { readonly kind: "refused"; readonly message: string };

type DeauthorizeResult =
  | { readonly kind: "disconnected" }
  /** It was not connected, or the client id is not the platform's: a read tells. */
  | { readonly kind: "refused"; readonly message: string };

type Authorization = {
  readonly clientId: string;
  readonly state: string;
  /** Null: the address that the platform's settings at Stripe name. */
  readonly redirectUri: string | null;
};

/** @param connectBase where the pages of OAuth are */
export function oauthRequests(stripe: Stripe, connectBase: string) {
  return {
    /** The page on which an owner connects an account. The stripe package would drop a port, and force https. */
    authorizeUrl({ clientId, state, redirectUri }: Authorization): string {
      const url = new URL("/oauth/authorize", connectBase);
      url.search = new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        scope: "read_write",
        state,
        ...(redirectUri !== null && { redirect_uri: redirectUri }),
      }).toString();
      return url.href;
    },

    /** Exchanges a code, once. https://docs.stripe.com/connect/oauth-reference#post-token */
    async exchangeCode(code: string, idempotencyKey: string): Promise<ExchangeResult> {
      return await ask<ExchangeResult>(
        async () => {
          const { stripe_user_id: accountId } = await stripe.oauth.token(
            { grant_type: "authorization_code", code },
            { idempotencyKey },
          );
          if (accountId !== undefined) return { kind: "connected", accountId };
          return { kind: "refused", message: "Stripe named no account." };
        },
        (meaning) => {
          if (isInvalidClient(meaning)) {
            throw new StripeAccessError("rejected", "Stripe does not take the API key for OAuth (invalid_client).");
          }
          return { kind: "refused", message: refusalMessage("exchange the code", meaning) };
        },
      );
    },

    /** Disconnects an account. https://docs.stripe.com/connect/oauth-reference#post-deauthorize */
    async deauthorize(clientId: string, accountId: string): Promise<DeauthorizeResult> {
      return await ask<DeauthorizeResult>(
        async () => {
          await stripe.oauth.deauthorize({ client_id: clientId, stripe_user_id: accountId });
          return { kind: "disconnected" };
        },
        (meaning) => ({ kind: "refused", message: refusalMessage("disconnect the account", meaning) }),
      );
    },
  };
}

function isInvalidClient(meaning: Parameters<typeof refusalMessage>[1]): boolean {
  return meaning.kind === "refused" && meaning.refusal.stripeCode === "invalid_client";
}
