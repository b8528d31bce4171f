import { expect, it } from "vitest";
import { calls } from "../../src/api/calls.ts";
import { createAccountsService } from "../../src/app/accountsService.ts";
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

type Declared = { readonly service: Readonly<Record<string, object>> };

const declared: Readonly<Record<string, Declared>> = {
  payments: createPaymentsService(withProcessMemory(options)) as unknown as Declared,
  accounts: createAccountsService(withProcessMemory(options)) as unknown as Declared,
};

/** They give out an address that is a secret, which nobody may keep: so they make a new one whenever they are asked. */
const linkMakers: readonly string[] = ["createOnboardingLink", "createConnectUrl"];
const others = calls.filter(({ handler }) => !linkMakers.includes(handler));

it("The services have the calls of the registry, and the handler that takes Stripe's webhooks", () => {
  const handlers = Object.entries(declared).flatMap(([service, own]) =>
    Object.keys(own.service).map((handler) => `${service}/${handler}`),
  );
  const registered = calls.map(({ service, handler }) => `${service}/${handler}`);
  expect(handlers.toSorted()).toEqual([...registered, "payments/processWebhook"].toSorted());
});

it("A call that only reads needs no scope to write", () => {
  const reading = others.filter(({ effect }) => effect === "reads");
  expect(reading.filter(({ scope }) => !scope.endsWith(":read"))).toEqual([]);
});

it("A call needs a key exactly if its scope lets it change something", () => {
  expect(others.filter(({ needsKey, scope }) => needsKey !== scope.endsWith(":write"))).toEqual([]);
});

it("Nobody keeps a secret address, and it needs the scope to write", () => {
  const makers = calls.filter(({ handler }) => linkMakers.includes(handler));
  expect(makers.map(({ keeps, needsKey, scope }) => [keeps, needsKey, scope])).toEqual([
    ["nothing", false, "accounts:write"],
    ["nothing", false, "accounts:write"],
  ]);
});

it("The registry says of each call where the service keeps its answer", () => {
  const kept = calls.map(({ service, handler, effect }) => {
    // The SDK keeps what it was told of a handler under a symbol.
    const told = declared[service]?.service[handler] ?? {};
    const [symbol] = Object.getOwnPropertySymbols(told);
    const wrapper: unknown = symbol === undefined ? undefined : Reflect.get(told, symbol);
    const { idempotencyRetention } = (wrapper as { readonly options: HandlerOptions }).options;
    const where = idempotencyRetention !== 0 ? "own" : effect === "moves" ? "elsewhere" : "nothing";
    return [service, handler, where];
  });
  expect(kept).toEqual(calls.map(({ service, handler, keeps }) => [service, handler, keeps]));
});
