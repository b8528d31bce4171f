/** The engine's admin API: what it says about itself, its deployments and its invocations. https://docs.restate.dev/admin-api */
import { z } from "zod";
import { requestEngine } from "../../engine/request.ts";

export type EngineAdmin = ReturnType<typeof connectToAdmin>;

export type AdminTarget = {
  readonly adminUrl: string;
  /** For an admin API that asks for one, as that of Restate Cloud. */
  readonly authToken: string | undefined;
};

/** A program that handlers run in, as the engine knows it. */
export type Deployment = {
  readonly id: string;
  /** A URL, or the ARN of a function. */
  readonly address: string;
  readonly usesHttp1: boolean;
  readonly services: readonly string[];
};

/** A service with the handlers that a deployment offers. */
export type OfferedService = {
  readonly name: string;
  readonly type: string;
  readonly handlers: readonly string[];
};

/** What a deployment would offer if it was registered now. */
export type Discovery =
  | { readonly kind: "offers"; readonly services: readonly OfferedService[] }
  /** The engine does not get through to it, or does not understand it. */
  | { readonly kind: "unreachable"; readonly message: string }
  /** It asks for a signature of another key than the engine's. */
  | { readonly kind: "unauthorized" }
  /** The engine got through, and would not take it: a service changed its type, for example. */
  | { readonly kind: "refused"; readonly message: string };

/** The engine gave no usable answer. */
export class EngineAdminError extends Error {
  override readonly name = "EngineAdminError";
}

export function connectToAdmin({ adminUrl, authToken }: AdminTarget) {
  const authorization = authToken === undefined ? {} : { authorization: `Bearer ${authToken}` };

  /** @throws EngineAdminError */
  async function send(path: string, body?: object): Promise<Response> {
    try {
      return await requestEngine(adminUrl, path, {
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
        headers: { accept: "application/json", "content-type": "application/json", ...authorization },
        // The token is meant for this address only.
        redirect: "manual",
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
    } catch (error) {
      throw new EngineAdminError(`no answer from ${adminUrl} (${causeOf(error)})`, { cause: error });
    }
  }

  /** @throws EngineAdminError */
  async function read<Shape extends z.ZodType>(path: string, shape: Shape, body?: object): Promise<z.output<Shape>> {
    const response = await send(path, body);
    const text = await response.text();
    if (response.status === 401 || response.status === 403) {
      throw new EngineAdminError(`${adminUrl} refuses the request (${response.status}): RESTATE_AUTH_TOKEN`);
    }
    if (!response.ok) throw new EngineAdminError(`${adminUrl}${path} answered ${response.status}: ${messageIn(text)}`);
    const parsed = shape.safeParse(jsonOf(text));
    if (!parsed.success) throw new EngineAdminError(`what answers at ${adminUrl} is no admin API of Restate`);
    return parsed.data;
  }

  return {
    async version(): Promise<string> {
      return (await read("/version", versionSchema)).version;
    },

    async deployments(): Promise<readonly Deployment[]> {
      const { deployments } = await read("/deployments", deploymentsSchema);
      return deployments.map(({ id, uri, arn, http_version: version, services }) => ({
        id,
        address: uri ?? arn ?? id,
        usesHttp1: version === "HTTP/1.1",
        services: services.map((service) => service.name),
      }));
    },

    /** What new invocations are given to: the newest revision of each service, with the deployment it runs on. */
    async services(): Promise<readonly (OfferedService & { readonly deploymentId: string })[]> {
      const { services } = await read("/services", servicesSchema);
      return services.map((service) => ({ ...offered(service), deploymentId: service.deployment_id }));
    },

    /** What a deployment offered when it was registered. */
    async offerOf(deploymentId: string): Promise<readonly OfferedService[]> {
      return (await read(`/deployments/${encodeURIComponent(deploymentId)}`, offerSchema)).services.map(offered);
    },

    /**
     * Has the engine ask a deployment what it offers, signed as its calls are, and registers nothing.
     * @param judged whether the engine also judges if it could follow what is registered already
     */
    async discover(
      deployment: Pick<Deployment, "address" | "usesHttp1">,
      { judged }: { readonly judged: boolean },
    ): Promise<Discovery> {
      const { address, usesHttp1 } = deployment;
      const where = address.startsWith("arn:") ? { arn: address } : { uri: address, use_http_11: usesHttp1 };
      const response = await send("/deployments", { ...where, dry_run: true, force: !judged });
      const text = await response.text();
      if (response.ok) {
        return { kind: "offers", services: offerSchema.parse(jsonOf(text)).services.map(offered) };
      }
      const message = messageIn(text);
      if (message.includes("status code '401")) return { kind: "unauthorized" };
      return { kind: response.status === 409 ? "refused" : "unreachable", message };
    },

    /** Runs SQL against the engine's own tables. https://docs.restate.dev/references/sql-introspection */
    async query<Row extends z.ZodType>(sql: string, row: Row): Promise<readonly z.output<Row>[]> {
      return (await read("/query", z.object({ rows: z.array(row) }), { query: sql })).rows;
    },
  };
}

/** A deployment that does not answer keeps the engine busy for some seconds before it says so. */
const requestTimeoutMs = 20_000;

const versionSchema = z.object({ version: z.string() });
const deploymentsSchema = z.object({
  deployments: z.array(
    z.object({
      id: z.string(),
      uri: z.string().optional(),
      arn: z.string().optional(),
      http_version: z.string().optional(),
      services: z.array(z.object({ name: z.string() })),
    }),
  ),
});
const serviceSchema = z.object({
  name: z.string(),
  ty: z.string(),
  handlers: z.array(z.object({ name: z.string() })),
});
const servicesSchema = z.object({ services: z.array(serviceSchema.extend({ deployment_id: z.string() })) });
const offerSchema = z.object({ services: z.array(serviceSchema) });

function offered({ name, ty, handlers }: z.output<typeof serviceSchema>): OfferedService {
  return { name, type: ty, handlers: handlers.map((handler) => handler.name) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The engine's own words, without its codes, which come twice. */
function messageIn(text: string): string {
  const parsed = z.object({ message: z.string() }).safeParse(jsonOf(text));
  return (parsed.success ? parsed.data.message : text.slice(0, 200)).replaceAll(/\[META\d+\] /g, "");
}

function causeOf(error: unknown): string {
  if (error instanceof DOMException) return "timeout";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.message : String(cause);
}
