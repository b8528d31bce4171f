/** Other versions of the service than that of a scene, each at an address of its own. */
import { createServer, type ServerHttp2Session } from "node:http2";
import * as restate from "@restatedev/restate-sdk";
import { onTestFinished } from "vitest";
import { freePort } from "../../../src/dev/ports.ts";
import { paymentOutcomeSchema, paymentRequestSchema } from "../../../src/payments/contract.ts";
import type { ServiceOptions } from "../../../src/merchants/options.ts";
import { createPaymentsService } from "../../../src/app/paymentsService.ts";
import { paymentServices, withProcessMemory } from "../../../src/app/services.ts";

type Services = Parameters<typeof restate.createEndpointHandler>[0]["services"];

/** Serves these at a free address until the test is over. */
export async function serveVersion(services: Services, identityKeys: readonly string[] = []): Promise<string> {
  const port = await freePort();
  const version = await openVersion(services, { port, identityKeys });
  onTestFinished(() => version.close());
  return `http://127.0.0.1:${port}/`;
}

export async function openVersion(
  services: Services,
  { port, identityKeys = [] }: { readonly port: number; readonly identityKeys?: readonly string[] },
): Promise<{ close(): Promise<void> }> {
  const server = createServer(
    restate.createEndpointHandler({
      services,
      logger: () => {},
      ...(identityKeys.length > 0 && { identityKeys: [...identityKeys] }),
    }),
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  return {
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** A version whose `processPayment` begins with a step that the present one lacks: no journal of the one replays on the other. */
export function incompatibleVersion(options: ServiceOptions): Services {
  const present = createPaymentsService(withProcessMemory(options)) as unknown as {
    readonly service: Record<string, Handler>;
  };
  const processPayment = present.service["processPayment"];
  if (processPayment === undefined) throw new Error("There is no processPayment to change.");
  const changed = restate.handlers.handler(
    {
      input: restate.serde.schema(paymentRequestSchema),
      output: restate.serde.schema(paymentOutcomeSchema),
      explicitCancellation: true,
      inactivityTimeout: options.inactivityTimeoutMs,
    },
    async (ctx: restate.Context, request) => {
      await ctx.run("a step of the next version", () => "done");
      return (await processPayment(ctx, request)) as never;
    },
  );
  const payments = restate.service({ name: "payments", handlers: { ...present.service, processPayment: changed } });
  return [payments, ...paymentServices(options).filter(({ name }) => name !== "payments")];
}

/** A version without one of its services. */
export function versionWithout(options: ServiceOptions, service: string): Services {
  return paymentServices(options).filter(({ name }) => name !== service);
}

/** A version without one of the handlers of `payments`. */
export function versionWithoutHandler(options: ServiceOptions, handler: string): Services {
  const present = createPaymentsService(withProcessMemory(options)) as unknown as {
    readonly service: Record<string, Handler>;
  };
  const handlers = Object.fromEntries(Object.entries(present.service).filter(([name]) => name !== handler));
  return [restate.service({ name: "payments", handlers }), ...versionWithout(options, "payments")];
}

/** A version in which `payments` is of another kind. */
export function versionOfAnotherKind(options: ServiceOptions): Services {
  const handlers = { processPayment: async () => {} };
  return [restate.object({ name: "payments", handlers }), ...versionWithout(options, "payments")];
}

type Handler = (ctx: restate.Context, request: unknown) => Promise<unknown>;
