/** Services that are broken on purpose, one defect each: the check has to find them, or it proves nothing. */
import type { StripeGateway } from "../../src/merchants/gateway.ts";

export type Defect =
  | "takes every wake for a success"
  | "forgets the amount of a refund"
  | "sends a new idempotency key each time"
  | "gives payments up without a note";

export function breakGateway(gateway: StripeGateway, defect: Defect | null): StripeGateway {
  switch (defect) {
    case null:
      return gateway;
    case "takes every wake for a success":
      return {
        ...gateway,
        async readPayment(paymentIntentId) {
          const read = await gateway.readPayment(paymentIntentId);
          if (read.kind !== "payment" || read.payment.status !== "processing") return read;
          const { payment } = read;
          return { ...read, payment: { ...payment, status: "succeeded", amountReceived: payment.amount } };
        },
      };
    case "forgets the amount of a refund":
      return {
        ...gateway,
        createRefund({ parameters, ...request }) {
          const { amount: _amount, ...others } = parameters;
          return gateway.createRefund({ ...request, parameters: others });
        },
      };
    case "sends a new idempotency key each time":
      return {
        ...gateway,
        createPayment: (request) => gateway.createPayment({ ...request, idempotencyKey: crypto.randomUUID() }),
      };
    case "gives payments up without a note":
      return {
        ...gateway,
        async noteAbandonment(paymentIntentId) {
          const read = await gateway.readPayment(paymentIntentId);
          return read.kind === "payment" ? read : { kind: "refused", message: read.refusal.message };
        },
        decideAbandonment: () => Promise.resolve({ kind: "noted", doorbells: [] }),
      };
  }
}
