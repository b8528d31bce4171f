/** Stripe's webhooks come here first, so that a run decides when each of them reaches the service, and how often. */
import { createServer } from "node:http";
import { z } from "zod";
import type { World } from "./world.ts";

/** A webhook as Stripe sent it. */
export type Mail = {
  readonly type: string;
  readonly body: string;
  readonly signature: string;
  /** The PaymentIntent that it is about, or whose charge or refund. */
  readonly paymentIntentId: string;
  readonly object: { readonly kind: string; readonly id: string; readonly status: string | null };
};

type Receiver = (mail: Mail) => void;

const eventShape = z.object({
  type: z.string(),
  data: z.object({
    object: z.object({
      id: z.string(),
      object: z.string(),
      status: z.string().nullish(),
      payment_intent: z.string().nullish(),
      metadata: z.record(z.string(), z.string()).nullish(),
    }),
  }),
});

export type MailRoom = Awaited<ReturnType<typeof openMailRoom>>;

export async function openMailRoom() {
  const receivers = new Map<string, Receiver>();
  const orderOf = new Map<string, string>();
  const unclaimed = new Map<string, Mail[]>();

  function sort(body: string, signature: string): void {
    const { type, data } = eventShape.parse(JSON.parse(body));
    const { object: kind, id, status, metadata, payment_intent: paymentIntent } = data.object;
    const paymentIntentId = kind === "payment_intent" ? id : paymentIntent;
    if (paymentIntentId === null || paymentIntentId === undefined) return;
    const mail = { type, body, signature, paymentIntentId, object: { kind, id, status: status ?? null } };
    const orderId = kind === "payment_intent" ? metadata?.["orderId"] : undefined;
    if (orderId !== undefined && !orderOf.has(paymentIntentId)) {
      orderOf.set(paymentIntentId, orderId);
      for (const earlier of unclaimed.get(paymentIntentId) ?? []) receivers.get(orderId)?.(earlier);
      unclaimed.delete(paymentIntentId);
    }
    const owner = orderOf.get(paymentIntentId);
    // A charge's event can come before its PaymentIntent's own.
    if (owner === undefined) unclaimed.set(paymentIntentId, [...(unclaimed.get(paymentIntentId) ?? []), mail]);
    else receivers.get(owner)?.(mail);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      sort(Buffer.concat(chunks).toString(), String(request.headers["stripe-signature"]));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    /** Everything about the payments of an order goes to this receiver from now on. */
    receive(orderId: string, receiver: Receiver): void {
      receivers.set(orderId, receiver);
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whether everything has come that Stripe fired, as the model says. */
export function hasCome(world: World, paymentIds: readonly string[], received: readonly Mail[]): boolean {
  return world.payments.every(({ fired, refunds }, index) => {
    const about = received.filter(({ paymentIntentId }) => paymentIntentId === paymentIds[index]);
    const ended = about.filter(({ object }) => object.kind === "refund" && object.status !== "pending");
    return (
      fired.every((type) => about.some((one) => one.type === type)) &&
      refunds.filter(({ status }) => status !== "pending").length <= new Set(ended.map(({ object }) => object.id)).size
    );
  });
}
