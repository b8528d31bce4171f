/** An engine with the payment service behind it, as `npm start` runs them, and the fixtures where they are wanted. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startEngine, type Engine } from "../../src/dev/engine.ts";
import { ingressSocket, socketAddress } from "../../src/config/engineSockets.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import { startProgram, type Program } from "./programs.ts";
import { secretKey, type BenchSandbox, type Endpoint } from "./stripe.ts";

const serviceEntry = fileURLToPath(new URL("../../src/bin/app.ts", import.meta.url));
const edgeEntry = fileURLToPath(new URL("../../src/bin/edge.ts", import.meta.url));
const fixturesEntry = fileURLToPath(new URL("fixtures/serve.ts", import.meta.url));

export type House = {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly engineDir: string;
  engine(): Engine;
  readonly service: Program;
  /** Null unless they were asked for. */
  readonly fixtures: Program | null;
  /** The edge, and one that tells the handlers nothing; null without fixtures. */
  readonly edges: { readonly edge: BenchEdge; readonly plainEdge: BenchEdge } | null;
  /** What an edge in front of this house is told. */
  readonly edgeEnvironment: Readonly<Record<string, string>>;
  /** Our endpoint at the ingress, that at the edge, and that of the sample. */
  readonly endpoints: { readonly ours: Endpoint; readonly edge: Endpoint | null; readonly sample: Endpoint | null };
  sql<Row>(query: string): Promise<readonly Row[]>;
  /** SIGKILL. */
  killEngine(): Promise<void>;
  /** Resolves when the engine says that it is ready. */
  restartEngine(): Promise<void>;
  close(): Promise<void>;
};

type BenchEdge = { readonly url: string; readonly program: Program };

/** Known to the service and to one of the edges. */
const edgeSecret = "bench-edge-secret-0123456789abcdef0123456789";

export async function openHouse(options: {
  readonly folder: string;
  readonly name: string;
  readonly sandbox: BenchSandbox;
  readonly withFixtures: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  readonly profileDir: string | null;
}): Promise<House> {
  const { folder, name, sandbox, profileDir } = options;
  const ports = await freePorts(7);
  const [ingressPort = 0, adminPort = 0, nodePort = 0, servicePort = 0, fixturesPort = 0, edgePort = 0] = ports;
  const plainEdgePort = ports.at(-1) ?? 0;
  const engineDir = join(folder, name);
  const engineOptions = { ingressPort, adminPort, nodePort, dataDir: engineDir, partitions: 4 };
  const ingressUrl = `http://127.0.0.1:${ingressPort}`;
  const ours = await sandbox.addEndpoint(`${ingressUrl}/payments/processWebhook`);
  const sample = options.withFixtures ? await sandbox.addEndpoint(`${ingressUrl}/benchSample/processWebhook`) : null;
  const edgeEndpoint = options.withFixtures
    ? await sandbox.addEndpoint(`http://127.0.0.1:${edgePort}/payments/processWebhook`)
    : null;
  const service = startProgram({
    name: "service",
    entry: serviceEntry,
    environment: {
      PORT: String(servicePort),
      STRIPE_API_BASE: sandbox.url,
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_WEBHOOK_SECRET: ours.secret,
      // One payment in an hour wakes the reconciler; the one whose journal is counted must not be it.
      RECONCILE_INTERVAL: "0",
      EDGE_SECRET: edgeSecret,
      ...options.settings,
    },
    logFile: join(folder, `${name}-service.log`),
    profileDir,
  });
  const fixtures =
    sample === null
      ? null
      : startProgram({
          name: "fixtures",
          entry: fixturesEntry,
          environment: {
            PORT: String(fixturesPort),
            STRIPE_API_BASE: sandbox.url,
            STRIPE_SECRET_KEY: secretKey,
            WEBHOOK_SECRET: sample.secret,
          },
          logFile: join(folder, `${name}-fixtures.log`),
          profileDir,
        });
  const edgeEnvironment = {
    // As in `npm start`: the engine listens on both.
    RESTATE_INGRESS_URL: socketAddress(ingressSocket(engineDir)),
    RESTATE_ADMIN_URL: `http://127.0.0.1:${adminPort}`,
    STRIPE_API_BASE: sandbox.url,
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: edgeEndpoint?.secret ?? "",
  };
  const openEdge = async (part: string, port: number, secret: string): Promise<BenchEdge> => {
    const program = startProgram({
      name: part,
      entry: edgeEntry,
      environment: { ...edgeEnvironment, EDGE_PORT: String(port), EDGE_SECRET: secret },
      logFile: join(folder, `${name}-${part}.log`),
      profileDir,
    });
    const { url } = (await program.nextMessage()) as { url: string };
    return { url, program };
  };
  let engine = await startEngine(engineOptions);
  const { adminUrl } = engine;
  await registerDeployment(adminUrl, `http://127.0.0.1:${servicePort}`, { timeoutMs: 60_000 });
  if (fixtures !== null) {
    await registerDeployment(adminUrl, `http://127.0.0.1:${fixturesPort}`, { timeoutMs: 60_000 });
  }
  const edges =
    edgeEndpoint === null
      ? null
      : {
          edge: await openEdge("edge", edgePort, edgeSecret),
          plainEdge: await openEdge("plainEdge", plainEdgePort, ""),
        };
  for (const { url } of Object.values(edges ?? {})) {
    while (!(await fetch(`${url}/readyz`)).ok) await delay(100);
  }
  return {
    ingressUrl,
    edges,
    edgeEnvironment,
    adminUrl,
    engineDir,
    engine: () => engine,
    service,
    fixtures,
    endpoints: { ours, edge: edgeEndpoint, sample },
    async sql<Row>(query: string) {
      // Counting a hundred thousand invocations on a busy engine takes its time.
      const response = await fetch(`${adminUrl}/query`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ query }),
      });
      if (!response.ok) throw new Error(`The engine refused a query: ${await response.text()}`);
      return ((await response.json()) as { rows: Row[] }).rows;
    },
    async killEngine() {
      await engine.kill();
    },
    async restartEngine() {
      engine = await startEngine(engineOptions);
    },
    async close() {
      await engine.kill();
      await service.stop();
      await fixtures?.stop();
      await edges?.edge.program.stop();
      await edges?.plainEdge.program.stop();
    },
  };
}
