/** What an attacked edge stands on: a real engine and service, and a tap in front of the engine, so that nothing reaches it unseen. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredKey } from "../../../src/edge/apiKeyFile.ts";
import { writeKeyFile } from "../keys.ts";
import { edgeSecret, openEdge, type SceneEdge } from "../../scene/edge.ts";
import { openScene, until, type Scene } from "../../scene/scene.ts";
import type { EdgeOptions } from "../../../src/edge/edge.ts";
import { openTap, type Tap } from "./tap.ts";

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

/** @param keys none: the edge takes the developer's calls, without a key */
export async function openStand(settings: Partial<EdgeOptions> = {}, keys: readonly StoredKey[] = []): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), "edge-attacks-"));
  const apiKeysFile = join(folder, "keys.json");
  if (keys.length > 0) writeKeyFile(apiKeysFile, keys);
  const scene = await openScene(1000);
  await scene.restartService({ edgeSecrets: [edgeSecret] });
  const ingressTap = await openTap(scene.ingress);
  const adminTap = await openTap(scene.admin);
  const edge = await openEdge(
    { ...scene, ingress: ingressTap.url, admin: adminTap.url },
    {
      ...(keys.length > 0 && { apiKeysFile }),
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
