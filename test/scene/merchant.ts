/** The merchant's own system: a real HTTP server that is told what became of payments, and answers as the test says. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { Webhook } from "standardwebhooks";
import type { PaymentNotification } from "../../src/notifications/contract.ts";
import { until } from "./scene.ts";

export const notifySecret = `whsec_${Buffer.alloc(32, "n").toString("base64")}`;

type Received = {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly notification: PaymentNotification;
  /** Whether the signature is valid over the raw body, at the time of arrival, by the receivers' own package. */
  readonly isVerified: boolean;
};

type Answer = number | "hang" | ((response: ServerResponse) => void);

function takeAll(_notification: PaymentNotification): Answer {
  return 200;
}

export type Merchant = Awaited<ReturnType<typeof openMerchant>>;

export async function openMerchant() {
  const received: Received[] = [];
  let answerTo = takeAll;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const notification = JSON.parse(body) as PaymentNotification;
      received.push({
        path: request.url,
        headers: request.headers,
        notification,
        isVerified: isVerified(body, request.headers),
      });
      const answer = answerTo(notification);
      if (typeof answer === "number") response.writeHead(answer).end();
      else if (answer !== "hang") answer(response);
    });
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  await listen(0);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const of = (paymentIntentId: string) =>
    received.filter(({ notification }) => notification.paymentIntentId === paymentIntentId);
  return {
    receiver: { kind: "http", url: `http://127.0.0.1:${port}/events?from=payments`, secrets: [notifySecret] } as const,
    received,
    of,
    /** What was told of a payment, in order of arrival, each time that it arrived. */
    typesOf: (paymentIntentId: string) => of(paymentIntentId).map(({ notification }) => notification.type),
    async untilTold(paymentIntentId: string, type: PaymentNotification["type"]): Promise<PaymentNotification> {
      return await until(`${type} of ${paymentIntentId}, told so far: ${of(paymentIntentId).length}`, async () =>
        of(paymentIntentId)
          .map(({ notification }) => notification)
          .find((notification) => notification.type === type),
      );
    },
    answerWith(decide: (notification: PaymentNotification) => Answer): void {
      answerTo = decide;
    },
    goDown: close,
    goUp: () => listen(port),
    close,
  };
}

function isVerified(body: string, headers: IncomingHttpHeaders): boolean {
  try {
    new Webhook(notifySecret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
