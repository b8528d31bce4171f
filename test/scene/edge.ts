/** An edge in front of a scene: what callers reach in production. */
import { createHash } from "node:crypto";
import { edgeHeaderName, writeEdgeHeader } from "../../src/api/edgeHeader.ts";
import { noRateLimits } from "../../src/config/edgeRateLimits.ts";
import { startEdge, type Edge, type EdgeOptions } from "../../src/edge/edge.ts";
import { oldWebhookSecret, webhookSecret, type Answer, type Scene } from "./scene.ts";

export const edgeSecret = "an edge secret of a test, long enough";

/** The header that an edge gives a call of `payments`, or of the service that is named with it, as it reaches the engine. */
export function edgeHeaders(
  handler: string,
  body: unknown,
  says: { readonly engineKey: string; readonly acceptedAtMs: number | null; readonly secret?: string },
): Readonly<Record<string, string>> {
  const { engineKey, acceptedAtMs, secret = edgeSecret } = says;
  const fingerprint = createHash("sha256").update(JSON.stringify(body)).digest("base64url");
  const [service = "payments", name = ""] = handler.includes("/") ? handler.split("/") : ["payments", handler];
  const target = { service, handler: name };
  return { [edgeHeaderName]: writeEdgeHeader(secret, target, { engineKey, acceptedAtMs, fingerprint }) };
}

export type SceneEdge = Edge & {
  /** Lines for a person. */
  readonly warnings: readonly string[];
  /** Calls as `curl` on this machine would. */
  call(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<EdgeAnswer>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<EdgeAnswer>;
};

type EdgeAnswer = Answer & { readonly headers: Headers };

/** @param settings differ from a developer's: without keys, in front of the scene's sandbox */
export async function openEdge(
  scene: Pick<Scene, "ingress" | "admin" | "sandboxUrl">,
  settings: Partial<EdgeOptions> = {},
): Promise<SceneEdge> {
  const warnings: string[] = [];
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    ingressUrl: scene.ingress,
    adminUrl: scene.admin,
    authToken: undefined,
    secrets: [edgeSecret],
    apiKeysFile: undefined,
    merchantsFile: undefined,
    trustProxy: null,
    rateLimits: noRateLimits,
    stripe: {
      mode: "test",
      webhookSecrets: [oldWebhookSecret, webhookSecret],
      apiBase: scene.sandboxUrl,
      isSandbox: true,
    },
    version: "test",
    ...settings,
    onWarning: (line) => warnings.push(line),
  });
  const request = async (path: string, init: RequestInit): Promise<EdgeAnswer> => {
    const response = await fetch(`${edge.url}${path}`, init);
    const body = (await response.json()) as Answer["body"];
    return { status: response.status, body, headers: response.headers };
  };
  return {
    ...edge,
    warnings,
    call: async (path, body, headers = { "idempotency-key": crypto.randomUUID() }) =>
      await request(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    get: async (path, headers = {}) => await request(path, { headers }),
  };
}
