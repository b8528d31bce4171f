/** With a live key, whoever reaches the service's port could charge by a request made by hand; the service takes the engine's only. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort, freePorts } from "../../src/dev/ports.ts";
import { startStack } from "../../src/dev/stack.ts";
import type { StackOptions } from "../../src/dev/stackOptions.ts";
import { askUnsigned } from "../../src/operator/doctor/serviceProbe.ts";
import { temporaryDirectory } from "./conditions.ts";
import { startStripeStub, stubAccount } from "./stripeStub.ts";

const appProgram = join(import.meta.dirname, "../../src/bin/app.ts");

test.each(["sk_live_stub", "sk_test_stub"])(
  "npm start with %s answers to its engine only, and keeps the engine's key",
  async (secretKey) => {
    const [edge = 0, ingress = 0, admin = 0, service = 0, sandbox = 0] = await freePorts(5);
    const options: StackOptions = {
      ports: { edge, ingress, admin, service, sandbox },
      dataDir: temporaryDirectory(),
      stripe: {
        kind: "account",
        secretKey,
        webhookSecrets: ["whsec_stub"],
        apiBase: await startStripeStub(stubAccount),
      },
      environment: { PATH: process.env["PATH"], RESTATE_IDENTITY_KEYS: "" },
      // Of the longest durations that the settings take the engine still makes dates.
      serviceSettings: { IDEMPOTENCY_RETENTION: "3650d", REFERENCE_RETENTION: "3650d" },
      // With a live key the edge would want API keys, which are not what this is about.
      edgeEntry: join(import.meta.dirname, "stubEdge.ts"),
      enginePartitions: 1,
    };
    for (const start of ["first", "second"]) {
      const stack = await startStack(options);
      onTestFinished(() => stack.stop());
      expect([start, await askUnsigned(stack.serviceUrl)]).toEqual([start, "refused"]);
      const refused = await fetch(`${stack.ingressUrl}/payments/processPayment`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
        body: "{}",
      });
      // The handler's own answer, which came through the engine.
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("paymentMethodId")]);
      expect(statSync(join(stack.targetDir, "engine-identity.pem")).mode & 0o777).toBe(0o600);
      await stack.stop();
    }
  },
);

test("npm run app with a live key and no key of the engine does not start, and says why", async () => {
  const settings = {
    PATH: process.env["PATH"],
    PORT: String(await freePort()),
    STRIPE_SECRET_KEY: "sk_live_stub",
    STRIPE_WEBHOOK_SECRET: "whsec_stub",
    STRIPE_API_BASE: await startStripeStub(stubAccount),
  };
  const start = (more: Readonly<Record<string, string>>) => {
    const child = spawn(process.execPath, [appProgram], {
      cwd: temporaryDirectory(),
      env: { ...settings, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  const refused = start({});
  let message = "";
  refused.stderr.on("data", (chunk) => (message += String(chunk)));
  expect(await once(refused, "close")).toEqual([1, null]);
  expect(message).toMatch(/^The settings need a correction:\n {2}- RESTATE_IDENTITY_KEYS is missing.*\n$/);

  const allowed = start({ ALLOW_UNSIGNED_ENGINE: "yes" });
  const [line] = (await once(allowed.stdout, "data")) as [Buffer];
  expect(String(line)).toContain("listens");
});
