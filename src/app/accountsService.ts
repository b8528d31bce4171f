/** Declares the service `accounts` to the engine: each call of the registry with its handler, and how the engine runs it. */
import * as restate from "@restatedev/restate-sdk";
import { awaitOnboarding } from "../accounts/awaitOnboarding.ts";
import { completeConnect, createConnectUrl, disconnectAccount, redeemState } from "../accounts/connect.ts";
import { createAccount } from "../accounts/createAccount.ts";
import { createOnboardingLink } from "../accounts/createOnboardingLink.ts";
import { getAccount } from "../accounts/getAccount.ts";
import { services } from "../api/calls.ts";
import { openCall } from "../durable/openCall.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { callHandlers } from "./callHandler.ts";
import { handOn, keptCallsInterface } from "./keptCalls.ts";

const serviceName = "accounts";
const calls = services[serviceName];

/** The handlers of this service, by name. */
export const accountsHandlerNames: readonly string[] = Object.keys(calls);

export function createAccountsService(options: HandlerOptions) {
  const { handler, kept, keptElsewhere } = callHandlers(serviceName, options);
  return restate.service({
    name: serviceName,
    description: "The connected accounts of a marketplace: made, onboarded, connected, and paid.",
    handlers: {
      createAccount: handler(calls.createAccount, createAccount),
      getAccount: handler(calls.getAccount, getAccount),
      createOnboardingLink: handler(calls.createOnboardingLink, createOnboardingLink),
      awaitOnboarding: handler(calls.awaitOnboarding, awaitOnboarding),
      createConnectUrl: handler(calls.createConnectUrl, createConnectUrl),
      completeConnect: handler(
        calls.completeConnect,
        async (call, request) => {
          const intent = await redeemState(call, request);
          const account = { merchant: intent.merchant, stripeAccount: null };
          const { ctx, acceptance } = call;
          return await completeConnect(openCall(ctx, options, { account, acceptance, isAsked: true }), request, intent);
        },
        // The code is a secret while it is good.
        { ...kept.moves, journalRetention: 0 },
      ),
      disconnectAccount: handler(calls.disconnectAccount, disconnectAccount),
      createTransfer: handler(
        calls.createTransfer,
        (call, request) =>
          handOn(call, request, (asked, key) => call.ctx.client(keptCallsInterface).createTransfer(asked, key)),
        keptElsewhere,
      ),
      reverseTransfer: handler(
        calls.reverseTransfer,
        (call, request) =>
          handOn(call, request, (asked, key) => call.ctx.client(keptCallsInterface).reverseTransfer(asked, key)),
        keptElsewhere,
      ),
    },
  });
}
