/**
 * The package as a stranger meets it: packed, installed in an empty project, loaded by plain Node, type-checked with settings
 * that are not ours, and its sandbox started from there.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Stripe } from "stripe";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { until } from "../dev/conditions.ts";

type Manifest = {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

const root = resolve(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const service = JSON.parse(readFileSync(join(root, "src/package.json"), "utf8")) as Manifest;
const entries = Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
const name = (entry: string) => entry.replace(".", "restate-stripe-payments");

/** The oldest Node that the package says it runs on. */
const oldestNode = "22.18.0";

const project = mkdtempSync(join(tmpdir(), "package-"));
const installed = join(project, "node_modules/restate-stripe-payments");
/** Our own npm scripts put our Node and our settings in a child's way. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([variable]) => !/^(npm_|STRIPE|SANDBOX|DATA_DIR|NODE_OPTIONS)/i.test(variable)),
);
let files: readonly string[] = [];
let nodes: readonly string[] = [];

function npm(words: readonly string[], cwd: string): string {
  return execFileSync("npm", [...words], {
    cwd,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

beforeAll(() => {
  const [tarball] = JSON.parse(npm(["pack", "--json", "--pack-destination", project], root)) as [
    { filename: string; files: { path: string }[] },
  ];
  files = tarball.files.map((file) => file.path);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  const node = `node-${process.platform}-${process.arch}`;
  const stripe = `stripe@${manifest.devDependencies["stripe"]}`;
  const quietly = ["--no-audit", "--no-fund", "--prefer-offline"];
  npm(["install", ...quietly, join(project, tarball.filename), stripe, `${node}@${oldestNode}`], project);
  nodes = [join(project, "node_modules", node, "bin/node"), process.execPath];
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe("what is packed", () => {
  it("is what was built, without sources and tests", () => {
    const others = files.filter((file) => !file.startsWith("dist/"));
    expect(others.toSorted()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    expect(files.filter((file) => /(^|\/)(src|test)\/|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  it("has declarations for every entry, and a source map for every file with code", () => {
    for (const target of Object.values(manifest.exports)) {
      if (typeof target === "string") continue;
      expect(files).toContain(target.types.slice(2));
      expect(files).toContain(target.default.slice(2));
    }
    const withoutMap = files.filter(
      (file) => /^dist\/(?!assets\/).*\.js$/.test(file) && !files.includes(`${file}.map`) && codeOf(file) !== "",
    );
    expect(withoutMap).toEqual([]);
    for (const map of files.filter((file) => file.endsWith(".map"))) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, map), "utf8")) as {
        sources: string[];
        sourcesContent: string[];
      };
      const withoutText = sources.filter((source, index) => !/node_modules/.test(source) && !sourcesContent[index]);
      expect(withoutText, `${map} has our sources in it`).toEqual([]);
    }
  });

  it("installs nothing besides but zod", () => {
    expect(manifest.dependencies).toEqual({ zod: expect.any(String) as string });
    expect(existsSync(join(project, "node_modules/@restatedev"))).toBe(false);
    expect(existsSync(join(project, "node_modules/hono"))).toBe(false);
  });

  it("has a client that brings nothing along", () => {
    const brought = new Set<string>();
    const bring = (file: string): void => {
      if (brought.has(file)) return;
      brought.add(file);
      const text = readFileSync(join(installed, file), "utf8");
      for (const [, path = ""] of text.matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)) {
        if (path.startsWith(".")) bring(join(dirname(file), path));
        else brought.add(path);
      }
    };
    bring("dist/api/client.js");
    expect([...brought].filter((path) => !path.startsWith("dist/"))).toEqual([]);
    const sizes = [...brought].map((file) => statSync(join(installed, file)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(20_000);
  });

  it("names the authors of what is bundled", () => {
    const licences = readFileSync(join(installed, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
    for (const author of ["hono", "@picocss/pico", "htmx.org", "credit-card-type"])
      expect(licences).toContain(`${author} `);
  });
});

describe.each([0, 1])("in plain Node (%#)", (index) => {
  const node = () => nodes[index] ?? "";
  const run = (words: readonly string[], cwd = project) =>
    execFileSync(node(), [...words], { cwd, env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

  it("is the oldest that the package takes, or ours", () => {
    expect(run(["--version"]).trim()).toBe(index === 0 ? `v${oldestNode}` : process.version);
    expect(manifest.engines.node).toBe(`>=${oldestNode.replace(/\.0$/, "")}`);
  });

  it.each(entries)("loads %s", (entry) => {
    expect(() => run(["--input-type=module", "-e", `await import("${name(entry)}")`])).not.toThrow();
  });

  it("checks a notification with the schema", () => {
    const script = `
      import { paymentNotificationSchema } from "restate-stripe-payments/notifications/schema";
      console.log(paymentNotificationSchema.safeParse({ type: "payment.succeeded" }).success);`;
    expect(run(["--input-type=module", "-e", script]).trim()).toBe("false");
  });

  it("has a client that calls, and fails as it says", () => {
    const script = `
      import { createServer } from "node:http";
      import { PaymentsClient, PaymentsError } from "restate-stripe-payments/client";
      const server = createServer((request, response) => {
        const fails = request.url.endsWith("getPayment");
        const failure = { code: 404, message: "No.", metadata: { reason: "not_found" } };
        response.writeHead(fails ? 404 : 200).end(JSON.stringify(fails ? failure : { key: request.headers["idempotency-key"] }));
      });
      await new Promise((resolve) => server.listen(0, resolve));
      const { payments } = new PaymentsClient({ url: "http://127.0.0.1:" + server.address().port, apiKey: "key" });
      const { key } = await payments.createCustomer({ email: "a@example.com" }, { idempotencyKey: "customer-1" });
      const error = await payments.getPayment({ paymentIntentId: "pi_1" }).catch((thrown) => thrown);
      server.close();
      server.closeAllConnections();
      console.log(JSON.stringify([key, error instanceof PaymentsError, error.reason, error.status]));`;
    expect(JSON.parse(run(["--input-type=module", "-e", script]))).toEqual(["customer-1", true, "not_found", 404]);
  });

  it("starts a sandbox that takes a payment from the stripe package, and shows its pages", () => {
    const script = `
      import { startSandbox } from "restate-stripe-payments/sandbox";
      import { Stripe } from "stripe";
      const sandbox = await startSandbox();
      const stripe = new Stripe("sk_test_any", { protocol: "http", host: "127.0.0.1", port: sandbox.port });
      const payment = await stripe.paymentIntents.create({
        amount: 109, currency: "usd", confirm: true, payment_method: "pm_card_visa", return_url: "https://example.com",
      });
      const pages = ["/", ...["pico.css", "sandbox.css", "dashboard.js", "htmx.js"].map((name) => "/_sandbox/assets/" + name)];
      const statuses = await Promise.all(pages.map(async (page) => (await fetch(sandbox.url + page)).status));
      await sandbox.close();
      console.log(JSON.stringify([payment.status, statuses]));`;
    expect(JSON.parse(run(["--input-type=module", "-e", script]))).toEqual(["succeeded", [200, 200, 200, 200, 200]]);
  });

  it("has a command that runs a sandbox until it is interrupted", async () => {
    const port = await freePort();
    const folder = join(project, `data-${index}`);
    const command = join(project, "node_modules/.bin/stripe-sandbox");
    const child = spawn(node(), [command], {
      cwd: project,
      env: { ...environment, SANDBOX_PORT: String(port), DATA_DIR: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    for await (const line of createInterface({ input: child.stdout })) if (line.includes("Ctrl-C stops it")) break;
    const stripe = new Stripe("sk_test_any", { protocol: "http", host: "127.0.0.1", port });
    expect((await stripe.customers.create({ email: "a@example.com" })).email).toBe("a@example.com");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});

const consumer = `
import type { PaymentFailureBody, PaymentOutcome, ProcessPaymentRequest, SetupOutcome } from "restate-stripe-payments";
import { PaymentsClient, PaymentsError } from "restate-stripe-payments/client";
import type { PaymentNotification } from "restate-stripe-payments/notifications";
import { paymentNotificationSchema } from "restate-stripe-payments/notifications/schema";
import { startSandbox } from "restate-stripe-payments/sandbox";
export const request: ProcessPaymentRequest = { paymentMethodId: "pm_card_visa", amount: 109 };
export const outcomeOf = (outcome: PaymentOutcome): string =>
  outcome.status === "requires_action" ? (outcome.nextAction.redirectUrl ?? "") : outcome.status + request.amount;
export const shown = (setup: SetupOutcome): string => {
  if (setup.status === "succeeded") return setup.mandateId ?? setup.paymentMethodId;
  const action = setup.nextAction;
  if (action.type === "boleto_display_details") return action.number + (action.pdfUrl ?? "");
  return action.type === "display_bank_transfer_instructions" ? (action.reference ?? "") : (action.redirectUrl ?? "");
};
export const why = (failure: PaymentFailureBody): string => failure.metadata?.reason ?? failure.message;
export const told = (notification: PaymentNotification): string => {
  switch (notification.type) {
    case "payment.succeeded":
      return notification.data.metadata["orderId"] + notification.data.amountReceived;
    case "refund.failed":
      return notification.data.failureReason ?? notification.data.refundId;
    case "payment.fraud_warning":
      return notification.data.fraudType;
    default:
      return notification.id;
  }
};
export const received = (body: unknown): PaymentNotification => paymentNotificationSchema.parse(body);
const client = new PaymentsClient({ url: "https://payments.example.com", apiKey: "key", fetch });
export const paid = async (idempotencyKey: string): Promise<string> => {
  try {
    return outcomeOf(await client.payments.processPayment(request, { idempotencyKey, timeoutMs: 60_000 }));
  } catch (error) {
    if (!(error instanceof PaymentsError)) throw error;
    if (error.reason === "declined") return error.metadata.declineCode ?? "declined";
    return error.reason === "unknown" ? (error.callId ?? "unknown") : error.message;
  }
};
const sandbox = await startSandbox();
export const url: string = sandbox.url;
await startSandbox({ port: 0, faults: [{ target: "webhook", effect: "lose" }] });
await sandbox.close();
`;

/** Neither our compiler options nor our libraries, and the declarations of libraries are checked too. */
describe.each([
  ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
  ["bundler", { module: "esnext", moduleResolution: "bundler" }],
])("a caller under moduleResolution %s", (resolution, modules) => {
  function compile(source: string): string {
    const folder = join(project, resolution);
    mkdirSync(folder, { recursive: true });
    const compilerOptions = {
      ...modules,
      target: "es2022",
      strict: true,
      noEmit: true,
      types: [],
      skipLibCheck: false,
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["caller.ts"] }));
    writeFileSync(join(folder, "caller.ts"), source);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    try {
      execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
      return "";
    } catch (error) {
      return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
    }
  }

  it("compiles", () => {
    expect(compile(consumer)).toBe("");
  });

  it("is refused what the service, the notifications and the sandbox don't know", () => {
    const wrong = consumer
      .replace("amount: 109 }", "amuont: 109 }")
      .replace("notification.data.amountReceived", "notification.data.refundId")
      .replace("port: 0,", "prot: 0,")
      .replace("{ idempotencyKey, timeoutMs: 60_000 }", "{ timeoutMs: 60_000 }");
    const complaints = compile(wrong);
    for (const field of ["amuont", "refundId", "prot", "KeyedCallOptions"]) expect(complaints).toContain(`'${field}'`);
  });
});

/** What is pinned in both is one copy, and the bundle holds what was tested. */
it("the package and the service pin the same versions", () => {
  for (const pins of [service.dependencies, service.devDependencies]) {
    for (const [dependency, version] of Object.entries(pins)) {
      expect([dependency, manifest.devDependencies[dependency] ?? version]).toEqual([dependency, version]);
    }
  }
});

it("npm run app runs from a clone that has no devDependencies, with the oldest Node", async () => {
  const clone = join(project, "clone");
  const tracked = execFileSync("git", ["ls-files", "package.json", "package-lock.json", "src"], { cwd: root });
  for (const file of String(tracked).trim().split("\n")) cpSync(join(root, file), join(clone, file));
  npm(["ci", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"], clone);
  expect(globSync("node_modules/{vitest,node,@picocss}", { cwd: clone })).toEqual([]);

  const sandbox = await startSandbox({ port: 0, dataDir: null, webhook: null });
  onTestFinished(() => sandbox.close());
  const app = spawn("npm", ["run", "app"], {
    cwd: clone,
    env: {
      ...environment,
      PATH: `${dirname(nodes[0] ?? "")}:${process.env["PATH"]}`,
      PORT: String(await freePort()),
      STRIPE_API_BASE: sandbox.url,
      STRIPE_SECRET_KEY: "sk_test_any",
      STRIPE_WEBHOOK_SECRET: "whsec_any",
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const exited = once(app, "exit");
  onTestFinished(() => {
    if (app.exitCode === null) process.kill(-(app.pid ?? 0), "SIGKILL");
  });
  let output = "";
  for (const stream of [app.stdout, app.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  await Promise.race([until(() => output.includes("The payment service listens on")), exited]);
  expect(output).toContain("The payment service listens on");
  process.kill(-(app.pid ?? 0), "SIGTERM");
  await exited;
});

it.each(["src/bin/requireNode.mjs", "dist/bin/stripeSandbox.js"])("%s tells who has an older Node", (program) => {
  const older = `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "22.17.1" })`;
  const { status, stderr } = spawnSync(process.execPath, ["--import", older, join(root, program)], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining("needs Node 22.18 or newer")]);
});

/** The text without comments, and without what it passes on. */
function codeOf(file: string): string {
  return readFileSync(join(installed, file), "utf8")
    .replaceAll(/^(\/\/.*|export \{.*|import .*)$/gm, "")
    .trim();
}
