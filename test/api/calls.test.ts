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
