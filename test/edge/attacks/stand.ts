/** What an attacked edge stands on: a real engine and service, and a tap in front of the engine, so that nothing reaches it unseen. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredKey } from "../../../src/edge/apiKeyFile.ts";
import type { Merchant } from "../../../src/merchants/options.ts";
import { writeKeyFile } from "../keys.ts";
import { edgeSecret, openEdge, type SceneEdge } from "../../scene/edge.ts";
import { openScene, until, type Scene } from "../../scene/scene.ts";
import type { EdgeOptions } from "../../../src/edge/edge.ts";
import { openTap, type Tap } from "./tap.ts";

/** The signing secret of a merchant's endpoint. */
export const merchantSecret = (id: string) => `whsec_of_${id}`;

export type Stand = {
  readonly scene: Scene;
  readonly edge: SceneEdge;
  readonly ingressTap: Tap;
  readonly adminTap: Tap;
  /** Of this test alone. */
  readonly folder: string;
  writeKeys(keys: readonly StoredKey[]): void;
  /** How many requests came to the engine by the edge since the last time that this was asked. */
  reached(): number;
  /** Everything that the engine knows of, counted. */
  known(): Promise<{ readonly invocations: number; readonly entries: number; readonly states: number }>;
  close(): Promise<void>;
};

/**
 * @param keys none: the edge takes the developer's calls, without a key
 * @param merchants beside the default one, at the same Stripe account; `merchantSecret` gives the secret of each
 */
export async function openStand(
  settings: Partial<EdgeOptions> = {},
  keys: readonly StoredKey[] = [],
  merchants: readonly string[] = [],
): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), "edge-attacks-"));
  const apiKeysFile = join(folder, "keys.json");
  if (keys.length > 0) writeKeyFile(apiKeysFile, keys);
  const scene = await openScene(1000);
  const further = merchants.map((id): Merchant => {
    const { stripe } = scene.serviceOptions;
    return {
      id,
      stripe,
      mode: "test",
      webhookSecrets: [merchantSecret(id)],
      limits: null,
      clientId: null,
      receiver: null,
    };
  });
  const furtherMerchants = { find: (id: string) => further.find((each) => each.id === id), all: () => further };
  await scene.restartService({ edgeSecrets: [edgeSecret], furtherMerchants });
  const ingressTap = await openTap(scene.ingress);
  const adminTap = await openTap(scene.admin);
  const edge = await openEdge(
    { ...scene, ingress: ingressTap.url, admin: adminTap.url },
    {
      ...(keys.length > 0 && { apiKeysFile }),
      furtherMerchants: () => further,
      ...settings,
    },
  );
  await until("the edge to be ready", async () => ((await edge.get("/readyz")).status === 200 ? true : undefined));
  const countOf = async (table: string) =>
    (await scene.sql<{ n: number }>(`select count(1) as n from ${table}`))[0]?.n ?? 0;
  let seen = ingressTap.tapped.length + adminTap.tapped.length;
  return {
    scene,
    edge,
    ingressTap,
    adminTap,
    folder,
    writeKeys: (written) => writeKeyFile(apiKeysFile, written),
    reached() {
      const before = seen;
      seen = ingressTap.tapped.length + adminTap.tapped.length;
      return seen - before;
    },
    known: async () => ({
      invocations: await countOf("sys_invocation"),
      entries: await countOf("sys_journal"),
      states: await countOf("state"),
    }),
    async close() {
      await edge.close();
      await ingressTap.close();
      await adminTap.close();
      await scene.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
