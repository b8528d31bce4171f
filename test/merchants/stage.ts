/** Merchants on one engine: each with an endpoint, a receiver and a gateway of its own, at one Stripe account or at an account each. */
import { Stripe } from "stripe";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import type { Merchant as Configured } from "../../src/merchants/options.ts";
import { notificationTimings } from "../../src/notifications/options.ts";
import { openMerchant, type Merchant as Receiver } from "../scene/merchant.ts";
import { edgeSecret } from "../scene/edge.ts";
import { card, openScene, secretKey } from "../scene/scene.ts";

export type Name = "books" | "toys";
const names: readonly Name[] = ["books", "toys"];

export type Accounts = "one Stripe account" | "an account each";

export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function openStage(accounts: Accounts, inactivityTimeoutMs: number) {
  const scene = await openScene(inactivityTimeoutMs);
  const keyOf = (name: Name) => (accounts === "one Stripe account" ? secretKey : `sk_test_account_${name}`);
  const { hostname: host, port } = new URL(scene.sandboxUrl);
  const clients = new Map(
    names.map((name) => [name, new Stripe(keyOf(name), { host, port: Number(port), protocol: "http" })]),
  );
  const clientOf = (name: Name) => clients.get(name) as Stripe;
  const receivers = new Map<string, Receiver>();
  for (const name of [...names, "default"]) receivers.set(name, await openMerchant());
  const receiverOf = (name: Name | "default") => receivers.get(name) as Receiver;

  async function configure(id: Name): Promise<Configured> {
    const { secret = "" } = await clientOf(id).webhookEndpoints.create({
      url: `${scene.ingress}/payments/processWebhook`,
      enabled_events: ["*"],
    });
    return {
      id,
      stripe: createStripeGateway({ secretKey: keyOf(id), apiBase: scene.sandboxUrl, sharedBy: id }),
      mode: "test",
      webhookSecrets: [secret],
      limits: null,
      clientId: null,
      receiver: receiverOf(id).receiver,
    };
  }
  const originals = new Map<Name, Configured>();
  for (const name of names) originals.set(name, await configure(name));
  /** As the service sees them now. */
  const configured = new Map<string, Configured>(originals);
  let misses = 0;
  const find = (id: string) => {
    const found = configured.get(id);
    if (found === undefined) misses++;
    return found;
  };
  const serve = async (settings: Parameters<typeof scene.restartService>[0] = {}) =>
    await scene.restartService({
      stripe: createStripeGateway({ secretKey, apiBase: scene.sandboxUrl, sharedBy: "default" }),
      notifications: { ...notificationTimings, receiver: receiverOf("default").receiver },
      edgeSecrets: [edgeSecret],
      furtherMerchants: { find, all: () => [...configured.values()] },
      ...settings,
    });
  await serve();
  return {
    scene,
    serve,
    configured,
    /** How often the service looked for a merchant in vain. */
    misses: () => misses,
    original: (name: Name) => originals.get(name) as Configured,
    clientOf,
    receiverOf,
    call: async (merchant: Name, handler: string, body: object, key?: string) =>
      await scene.call(handler, { ...body, merchant }, key),
    pay: async (merchant: Name, order: string, more: object = {}) =>
      await scene.call("processPayment", { ...card(order), ...more, merchant }),
    /** All PaymentIntents of the merchant's account that carry the order. */
    async paymentsOf(name: Name, order: string): Promise<readonly Stripe.PaymentIntent[]> {
      const { data } = await clientOf(name).paymentIntents.list({ limit: 100 });
      return data.filter(({ metadata }) => metadata["orderId"] === order);
    },
    /** Everything as it was at the beginning. */
    async reset(): Promise<void> {
      for (const [name, merchant] of originals) configured.set(name, merchant);
      for (const receiver of receivers.values()) receiver.answerWith(() => 200);
      await scene.clearFaults();
    },
    async close(): Promise<void> {
      await scene.close();
      for (const receiver of receivers.values()) await receiver.close();
    },
  };
}
