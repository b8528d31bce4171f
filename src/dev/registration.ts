/**
 * Telling the engine which service process to call. In development one process replaces another behind the same address, with
 * payments waiting; production gives every version an address of its own instead, and registers it with `force: false`.
 *
 * What the engine (1.7.12) does, found by experiment:
 * - `force: false` on a known address answers 200 and changes nothing, with `breaking: true` as well: new handlers stay 404
 *   and old schemas stay documented.
 * - `force: true` reads the service again and keeps the deployment's id, so invocations that wait on it stay pinned to it, and
 *   go on in the new process. It does so even if the service's type changed.
 * - An invocation whose handler is gone backs off with a 404 and goes on when its handler is back. No flag changes that, so
 *   nothing is refused; whoever registers is told.
 * - Another address makes another deployment, and what waits on the old one would call the old address for ever.
 *   `PATCH /deployments/{id}` moves a deployment together with what waits on it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { requestEngine } from "../engine/request.ts";
import { queryEngine } from "./engine.ts";

export type Registration = {
  readonly deploymentId: string;
  /** Names of the services that the deployment offers. */
  readonly services: readonly string[];
  /** Unfinished invocations of handlers that no service has any more, as `service/handler`. */
  readonly orphanedHandlers: readonly string[];
};

export type RegistrationOptions = {
  /** Moves the deployment of a former address here when this one is new: for an engine that serves one process at a time. */
  readonly replaceFormer?: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

export class RegistrationError extends Error {
  override readonly name = "RegistrationError";
}

/**
 * Registers the service process at `serviceUri` and waits until it answers.
 * @throws RegistrationError when the engine refuses it, or the service did not answer in time (10 s unless given)
 */
export async function registerDeployment(
  adminUrl: string,
  serviceUri: string,
  options: RegistrationOptions = {},
): Promise<Registration> {
  const uri = new URL(serviceUri).href;
  const deadline = performance.now() + (options.timeoutMs ?? 10_000);
  for (;;) {
    const answer = await tryRegister(adminUrl, uri, options.replaceFormer ?? false);
    if (answer.kind === "registered") {
      const services = answer.deployment.services.map((service) => service.name);
      return { deploymentId: answer.deployment.id, services, orphanedHandlers: await orphanedHandlers(adminUrl) };
    }
    if (answer.kind === "refused" || performance.now() > deadline) {
      throw new RegistrationError(`The engine could not register the service at ${serviceUri}: ${answer.message}`);
    }
    await delay(100, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

const deploymentSchema = z.object({ id: z.string(), services: z.array(z.object({ name: z.string() })) });
const endpointsSchema = z.array(z.object({ id: z.string(), endpoint: z.string() }));
const targetsSchema = z.array(z.object({ target: z.string() }));

type Answer =
  | { readonly kind: "registered"; readonly deployment: z.output<typeof deploymentSchema> }
  /** The service does not listen yet, or the engine is not ready: worth another try. */
  | { readonly kind: "unanswered"; readonly message: string }
  | { readonly kind: "refused"; readonly message: string };

async function tryRegister(adminUrl: string, uri: string, replaceFormer: boolean): Promise<Answer> {
  try {
    const former = replaceFormer ? await formerDeployment(adminUrl, uri) : undefined;
    const response =
      former === undefined
        ? await send(adminUrl, "POST", "/deployments", { uri, force: true })
        : await send(adminUrl, "PATCH", `/deployments/${former}`, { uri, overwrite: true });
    if (response.ok) return { kind: "registered", deployment: deploymentSchema.parse(await response.json()) };
    const message = `${response.status} ${await response.text()}`;
    // META0003: the service could not be reached. https://docs.restate.dev/references/errors#META0003
    const isUnanswered = message.includes("META0003") || response.status === 503;
    return { kind: isUnanswered ? "unanswered" : "refused", message };
  } catch (error) {
    const isNetwork = error instanceof TypeError || error instanceof DOMException;
    return {
      kind: isNetwork ? "unanswered" : "refused",
      message: error instanceof Error ? error.message : String(error),
    };
  }
}

async function formerDeployment(adminUrl: string, uri: string): Promise<string | undefined> {
  const rows = await queryEngine(adminUrl, "select id, endpoint from sys_deployment order by created_at desc");
  const deployments = endpointsSchema.parse(rows);
  return deployments.some((deployment) => deployment.endpoint === uri) ? undefined : deployments[0]?.id;
}

async function orphanedHandlers(adminUrl: string): Promise<readonly string[]> {
  const rows = await queryEngine(
    adminUrl,
    `select distinct target_service_name || '/' || target_handler_name as target from sys_invocation where status != 'completed'`,
  );
  const response = await requestEngine(adminUrl, "/services", { signal: AbortSignal.timeout(5_000) });
  const { services } = offeredSchema.parse(await response.json());
  const offered = services.flatMap((service) => service.handlers.map((handler) => `${service.name}/${handler.name}`));
  return targetsSchema
    .parse(rows)
    .map((row) => row.target)
    .filter((target) => !offered.includes(target));
}

const offeredSchema = z.object({
  services: z.array(z.object({ name: z.string(), handlers: z.array(z.object({ name: z.string() })) })),
});

function send(adminUrl: string, method: string, path: string, body: object): Promise<Response> {
  return requestEngine(adminUrl, path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
}
