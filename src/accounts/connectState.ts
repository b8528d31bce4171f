/**
 * The `state` of OAuth: it goes to Stripe with the owner of an account, and comes back with a code. One that comes back is good if we gave
 * it out, a short time ago, and nobody has redeemed it, so that nobody can make a merchant connect an account that is not its owner's
 * wish. https://www.rfc-editor.org/rfc/rfc6749#section-10.12
 */
import * as restate from "@restatedev/restate-sdk";
import { running } from "../durable/policies.ts";
import { withState } from "../durable/state.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { connectStateInterface, type ConnectIntent } from "./interface.ts";

type State = { intent: ConnectIntent };

export function createConnectState(options: HandlerOptions) {
  return restate.implement(connectStateInterface, {
    handlers: {
      async keep(ctx, intent) {
        withState<State>(ctx).set("intent", intent);
        const delay = Math.max(0, intent.expiresAtMs - (await ctx.date.now()));
        ctx.sendClient(connectStateInterface, ctx.key).forget(restate.rpc.sendOpts({ delay }));
      },
      async redeem(ctx, { merchant }) {
        const intent = await withState<State>(ctx).get("intent");
        if (merchant !== null && merchant !== intent?.merchant) return null;
        ctx.clear("intent");
        return intent !== null && (await ctx.date.now()) < intent.expiresAtMs ? intent : null;
      },
      async forget(ctx) {
        ctx.clear("intent");
      },
    },
    options: { ...running(options), ingressPrivate: true, journalRetention: 0 },
  });
}
