/** Declares the service `edge` to the engine: the few things that the front door asks for beside the public calls. */
import * as restate from "@restatedev/restate-sdk";
import {
  edgeCheckSchema,
  edgeServiceName,
  eventTelltaleSchema,
  type EdgeCheck,
  type EventTelltale,
} from "../api/edgeService.ts";
import { acceptanceOf } from "../durable/acceptance.ts";
import { askForInstallation } from "../durable/installation.ts";
import { keepingNothing, running, shortRetentionMs } from "../durable/policies.ts";
import { requestSerde } from "../durable/requestSerde.ts";
import { allMerchants, merchantOf, type HandlerOptions } from "../merchants/options.ts";
import { accountOf } from "../merchants/rules.ts";
import { askForLook } from "../notifications/thenLook.ts";

export const edgeHandlerNames: readonly string[] = ["check", "takeNews"];

export function createEdgeService(options: HandlerOptions) {
  /** A durable call that goes all the way, and leaves nothing behind. */
  async function check(ctx: restate.Context): Promise<EdgeCheck> {
    const acceptance = acceptanceOf(ctx, { service: edgeServiceName, handler: "check" }, options.edgeSecrets ?? []);
    const known = options.installation.known();
    const seen = await ctx.run("look at this process", () => ({
      installationId: known,
      isEdgeTrusted: acceptance.verified() !== null,
      isMerchantTold: allMerchants(options).some(({ receiver }) => receiver !== null),
    }));
    const installationId = seen.installationId ?? (await askForInstallation(ctx));
    options.installation.learn(installationId);
    return { ...seen, installationId };
  }

  /** Asks for a look at a payment, as `payments/processWebhook` does for an event that comes without an edge. */
  async function takeNews(
    ctx: restate.Context,
    { paymentIntentId, changes, ...address }: EventTelltale,
  ): Promise<void> {
    const account = accountOf(address);
    const isTold = await ctx.run(
      "see whether anybody is told",
      () => (merchantOf(options, account.merchant)?.receiver ?? null) !== null,
    );
    if (!isTold) return;
    askForLook({ ctx, account }, paymentIntentId, { changes, askedBy: "webhook", abandoned: false });
  }

  return restate.service({
    name: edgeServiceName,
    description: "Private: what the front door asks for beside the calls of payments.",
    handlers: {
      check: restate.handlers.handler(
        { ...running(options), ...keepingNothing, output: restate.serde.schema(edgeCheckSchema) },
        check,
      ),
      takeNews: restate.handlers.handler(
        {
          ...running(options),
          input: requestSerde(eventTelltaleSchema),
          // Stripe delivers again for days what it believes was not taken; to look once more does no harm.
          idempotencyRetention: shortRetentionMs,
          journalRetention: 0,
        },
        takeNews,
      ),
    },
  });
}
