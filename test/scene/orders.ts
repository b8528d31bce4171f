/** A Restate service of the merchant's that is told what became of payments, on the same engine. */
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";
import { registerDeployment } from "../../src/dev/registration.ts";
import type { PaymentNotification } from "../../src/notifications/contract.ts";

/** @param answer throws what the handler fails with */
export async function serveOrders(adminUrl: string, answer: (notification: PaymentNotification) => void) {
  const received: PaymentNotification[] = [];
  const orders = restate.service({
    name: "orders",
    handlers: {
      async onPaymentEvent(_ctx: restate.Context, notification: PaymentNotification) {
        received.push(notification);
        answer(notification);
        return "thank you";
      },
    },
    options: { retryPolicy: { initialInterval: 50 } },
  });
  const server = createServer(restate.createEndpointHandler({ services: [orders] }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await registerDeployment(adminUrl, `http://127.0.0.1:${port}`);
  return { received, close: () => new Promise<void>((resolve) => (server.close(() => resolve()), resolve())) };
}
