/** The public contract of the handler that takes Stripe's webhooks. */
import { z } from "zod";

/** Answer of `processWebhook`. */
export const webhookReceiptSchema = z.object({ received: z.literal(true) });
