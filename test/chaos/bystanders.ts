/** Payments of another integration on the same Stripe account, whose webhooks come to us as well. */
import { Stripe } from "stripe";
import type { Bystander } from "./records.ts";

const card = { amount: 777, currency: "usd", payment_method: "pm_card_visa" } as const;
const ways: readonly Stripe.PaymentIntentCreateParams[] = [
  { ...card, confirm: true },
  { ...card, confirm: true, capture_method: "manual" },
  { amount: 777, currency: "usd" },
];

/** Makes some that are paid, authorized and untried, with doorbells that are damaged or nobody's. */
export async function makeBystanders(sandboxUrl: string, secretKey: string): Promise<readonly Bystander[]> {
  const { hostname, port } = new URL(sandboxUrl);
  const stripe = new Stripe(secretKey, { host: hostname, port, protocol: "http", maxNetworkRetries: 0 });
  const addresses = ["sign_1", `sign_1${"A".repeat(38)}`, "../../restate/health"];
  return await Promise.all(
    ways.flatMap((way, index) =>
      addresses.map(async (address) => {
        const { id, status, metadata } = await stripe.paymentIntents.create({
          ...way,
          automatic_payment_methods: { enabled: true, allow_redirects: "never" },
          metadata: { integration: `another ${index}`, restate_callback_id: address },
        });
        return { id, status, metadata };
      }),
    ),
  );
}
