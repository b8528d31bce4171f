/**
 * The service as a process of its own, with everything that a deployment offers. Nothing of it is changed; requests to Stripe
 * only say in a header which step of which invocation they belong to, so that the test can tell them apart.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { createServer } from "node:http2";
import { createEndpointHandler, type HooksProvider } from "@restatedev/restate-sdk";
import { paymentServices } from "../../src/app/services.ts";
import type { FurtherMerchants, Merchant, ServiceOptions } from "../../src/merchants/options.ts";
import { createStripeGateway, type StripeGateway } from "../../src/merchants/gateway.ts";
import { attemptHeader, installationId, invocationHeader, methodHeader, runHeader } from "./origin.ts";

/** What a worker is started with. */
export type WorkerOptions = Omit<ServiceOptions, "stripe" | "furtherMerchants"> & {
  readonly secretKey: string;
  readonly apiBase: string;
  /** Beside the default one. */
  readonly merchants: readonly (Pick<Merchant, "id" | "webhookSecrets"> & { readonly secretKey: string })[];
  /** Settings that every other attempt of an invocation is made with, as if the service had been restarted in between. */
  readonly otherSettings?: Partial<Omit<ServiceOptions, "stripe" | "furtherMerchants">>;
  /** Whether those other attempts are made as by a process that doesn't know yet of which installation it is a part. */
  readonly forgetsInstallation?: boolean;
};

const {
  secretKey,
  apiBase,
  merchants,
  otherSettings,
  forgetsInstallation = false,
  ...options
} = JSON.parse(process.argv[2] ?? "") as WorkerOptions;

const steps = new AsyncLocalStorage<{ readonly invocationId: string; readonly run: string | null }>();
const methods = new AsyncLocalStorage<string>();

const tellSteps: HooksProvider = ({ request }) => ({
  interceptor: {
    handler: (next) => steps.run({ invocationId: request.id, run: null }, next),
    run: (run, next) => steps.run({ invocationId: request.id, run }, next),
  },
});

// Node publishes every request before it is sent. https://nodejs.org/api/diagnostics_channel.html#http
subscribe("http.client.request.created", (message) => {
  const { request } = message as { readonly request: ClientRequest };
  const step = steps.getStore();
  if (step === undefined) return;
  request.setHeader(invocationHeader, step.invocationId);
  if (step.run !== null) request.setHeader(runHeader, encodeURIComponent(step.run));
  request.setHeader(methodHeader, methods.getStore() ?? "");
});

/** The gateway, each of whose methods says its name to the requests that it makes. */
function named(gateway: StripeGateway): StripeGateway {
  return new Proxy(gateway, {
    get(target, name: string) {
      const method = target[name as keyof StripeGateway] as (...values: unknown[]) => unknown;
      if (name === "onBehalf") return (stripeAccount: string) => named(target.onBehalf(stripeAccount));
      return (...values: unknown[]) => methods.run(name, () => method.apply(target, values));
    },
  });
}

/** They are told where the default one is. */
function furtherMerchants({ receiver }: typeof options.notifications): FurtherMerchants {
  const all = merchants.map(({ secretKey: key, ...merchant }): Merchant => ({
    ...merchant,
    stripe: named(createStripeGateway({ secretKey: key, apiBase })),
    mode: "test",
    limits: null,
    clientId: null,
    receiver,
  }));
  return { find: (id) => all.find((merchant) => merchant.id === id), all: () => all };
}

function endpointOf(settings: typeof options, knownInstallationId: string | null) {
  return createEndpointHandler({
    services: paymentServices(
      {
        ...settings,
        stripe: named(createStripeGateway({ secretKey, apiBase })),
        furtherMerchants: furtherMerchants(settings.notifications),
      },
      knownInstallationId,
    ),
    defaultServiceOptions: { hooks: [tellSteps] },
    logger: () => {},
  });
}

// Asked of the engine, the identity would be a step of the first trial of each process only.
const usualEndpoint = endpointOf(options, installationId);
const changed = { ...options, ...otherSettings };
const changedEndpoint = otherSettings === undefined ? usualEndpoint : endpointOf(changed, installationId);
const server = createServer((request, response) => {
  const isOther = Number(request.headers[attemptHeader] ?? 0) % 2 === 1;
  if (!isOther) return usualEndpoint(request, response);
  // What an endpoint has learnt it remembers, so each attempt that is to know nothing has one of its own.
  (forgetsInstallation ? endpointOf(changed, null) : changedEndpoint)(request, response);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" && address !== null ? address.port : 0 });
});
// Never outlive the test.
process.on("disconnect", () => process.exit(0));
