/** Puts the services together: everything that a deployment of this project offers to the engine. */
import { createConnectState } from "../accounts/connectState.ts";
import { connectStateInterface } from "../accounts/interface.ts";
import { createInstallation, createInstallationMemory, installationInterface } from "../durable/installation.ts";
import { serve, type EndpointOptions, type Served } from "../durable/serve.ts";
import type { HandlerOptions, ServiceOptions } from "../merchants/options.ts";
import { paymentNotifierInterface } from "../notifications/interface.ts";
import { createPaymentNotifier } from "../notifications/paymentNotifier.ts";
import { paymentReferenceInterface } from "../orders/interface.ts";
import { createPaymentReference } from "../orders/paymentReference.ts";
import { paymentWatcherInterface } from "../payments/interface.ts";
import { createPaymentWatcher } from "../payments/paymentWatcher.ts";
import { setupWatcherInterface } from "../setups/interface.ts";
import { createSetupWatcher } from "../setups/setupWatcher.ts";
import { webhookReconcilerInterface } from "../webhooks/interface.ts";
import { createReconcilerAlarm } from "../webhooks/reconcilerAlarm.ts";
import { createWebhookReconciler } from "../webhooks/webhookReconciler.ts";
import { edgeServiceName } from "../api/edgeService.ts";
import { accountsHandlerNames, createAccountsService } from "./accountsService.ts";
import { createEdgeService, edgeHandlerNames } from "./edgeService.ts";
import { createKeptCalls, keptCallsInterface } from "./keptCalls.ts";
import { createPaymentsService, paymentsHandlerNames } from "./paymentsService.ts";

/** Names of a service and of its handlers. */
export type ServiceOffer = { readonly name: string; readonly handlers: readonly string[] };

/** What a deployment of this code must show. */
export const offeredServices: readonly ServiceOffer[] = [
  { name: "payments", handlers: paymentsHandlerNames },
  { name: "accounts", handlers: accountsHandlerNames },
  { name: edgeServiceName, handlers: edgeHandlerNames },
  ...[
    keptCallsInterface,
    connectStateInterface,
    installationInterface,
    paymentReferenceInterface,
    paymentWatcherInterface,
    setupWatcherInterface,
    paymentNotifierInterface,
    webhookReconcilerInterface,
  ].map(({ name, _handlers }) => ({ name, handlers: Object.keys(_handlers) })),
];

export type ServeOptions = ServiceOptions & EndpointOptions;

/** @param installationId if the process knows of which installation it is a part, without asking the engine */
export function paymentServices(options: ServiceOptions, installationId: string | null = null) {
  const all = withProcessMemory(options, installationId);
  return [
    createInstallation(all),
    createPaymentsService(all),
    createAccountsService(all),
    createEdgeService(all),
    createKeptCalls(all),
    createConnectState(all),
    createPaymentReference(all),
    createPaymentWatcher(all),
    createSetupWatcher(all),
    createPaymentNotifier(all),
    createWebhookReconciler(all),
  ];
}

/** What the handlers of one process share. */
export function withProcessMemory(options: ServiceOptions, installationId: string | null = null): HandlerOptions {
  return {
    ...options,
    reconcilerAlarm: createReconcilerAlarm(options.reconcileIntervalMs),
    installation: createInstallationMemory(installationId),
  };
}

/** Serves them all. @throws the listen error, e.g. EADDRINUSE */
export async function serveServices(options: ServeOptions): Promise<Served> {
  return await serve(paymentServices(options), options);
}
