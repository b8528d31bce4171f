import { expect, it } from "vitest";
import { calls } from "../../src/api/calls.ts";
import { createPaymentsService } from "../../src/app/paymentsService.ts";
import { withProcessMemory } from "../../src/app/services.ts";
import type { ServiceOptions } from "../../src/merchants/options.ts";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { notificationTimings } from "../../src/notifications/options.ts";

const options: ServiceOptions = {
  stripe: createStripeGateway({ secretKey: "sk_test_1", apiBase: "http://127.0.0.1:1" }),
  mode: "test",
  webhookSecrets: [],
  pollScheduleMs: [1000],
  timeoutMs: 1000,
  idempotencyRetentionMs: 1000,
  referenceRetentionMs: null,
  reconcileIntervalMs: 0,
  inactivityTimeoutMs: 1000,
  lookUpDelaysMs: [0],
  notifications: { receiver: null, ...notificationTimings },
};

type HandlerOptions = { readonly idempotencyRetention?: number };

it("The service has the calls of the registry, and the handler that takes Stripe's webhooks", () => {
  const declared = createPaymentsService(withProcessMemory(options)) as unknown as {
    readonly service: Readonly<Record<string, unknown>>;
  };
  const registered = calls.filter(({ service }) => service === "payments").map(({ handler }) => handler);
  expect(Object.keys(declared.service).toSorted()).toEqual([...registered, "processWebhook"].toSorted());
});

it("A call that only reads needs no scope to write", () => {
  const reading = calls.filter(({ effect }) => effect === "reads");
  expect(reading.filter(({ scope }) => !scope.endsWith(":read"))).toEqual([]);
});

it("A call needs a key exactly if its scope lets it change something", () => {
  expect(calls.filter(({ needsKey, scope }) => needsKey !== scope.endsWith(":write"))).toEqual([]);
});

it("The registry says of each call where the service keeps its answer", () => {
  const declared = createPaymentsService(withProcessMemory(options)) as unknown as {
    readonly service: Readonly<Record<string, object>>;
  };
  const kept = calls.map(({ service, handler, effect }) => {
    // The SDK keeps what it was told of a handler under a symbol.
    const told = declared.service[handler] ?? {};
    const [symbol] = Object.getOwnPropertySymbols(told);
    const wrapper: unknown = symbol === undefined ? undefined : Reflect.get(told, symbol);
    const { idempotencyRetention } = (wrapper as { readonly options: HandlerOptions }).options;
    const where = idempotencyRetention !== 0 ? "own" : effect === "moves" ? "elsewhere" : "nothing";
    return [service, handler, where];
  });
  expect(kept).toEqual(calls.map(({ service, handler, keeps }) => [service, handler, keeps]));
});
