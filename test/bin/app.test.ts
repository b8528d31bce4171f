/** `npm run app` with a file of merchants. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { until } from "../dev/conditions.ts";
import { books, canary, environment, merchantsFile, toys, write } from "../merchants/file/files.ts";

const base = {
  PATH: process.env["PATH"],
  ...environment,
  STRIPE_SECRET_KEY: `sk_test_own${canary}`,
  STRIPE_WEBHOOK_SECRET: `whsec_own${canary}`,
  // Nothing listens there.
  STRIPE_API_BASE: "http://127.0.0.1:9",
};

async function started(settings: Readonly<Record<string, string>>) {
  const env = { ...base, PORT: String(await freePort()), ...settings };
  let output = "";
  let code: number | null = null;
  const app = execFile(process.execPath, ["src/bin/app.ts"], { env });
  const exited = new Promise<void>((resolve) => {
    app.on("exit", (status) => {
      code = status;
      resolve();
    });
  });
  for (const stream of [app.stdout, app.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  onTestFinished(async () => {
    app.kill("SIGKILL");
    await exited;
  });
  return { output: () => output, code: () => code };
}

describe("npm run app", () => {
  it("says how many merchants it serves, and why a change of the file doesn't count", async () => {
    const path = merchantsFile([books, toys]);
    const app = await started({ MERCHANTS_FILE: path });
    await until(() => app.output().includes("(Stripe test mode, 3 merchants)."));
    write(path, [{ ...books, stripeSecretKey: `sk_live_${canary}` }]);
    await until(() => /\/merchants\/0\/stripeSecretKey must say where the secret is/.test(app.output()));
    expect(app.output()).not.toContain(canary);
    expect(app.code()).toBeNull();
  });

  it("says nothing of merchants where there is one", async () => {
    const app = await started({});
    await until(() => app.output().includes("(Stripe test mode)."));
    expect(app.output()).not.toMatch(/merchant/i);
  });

  it("doesn't start with a file that can't be used, and lists what is wrong", async () => {
    const path = merchantsFile([]);
    writeFileSync(
      path,
      JSON.stringify({
        merchants: [
          { ...books, id: "default" },
          { ...toys, webhookSecrets: [] },
        ],
      }),
    );
    const app = await started({ MERCHANTS_FILE: path });
    await until(() => app.code() !== null);
    expect(app.code()).toBe(1);
    expect(app.output()).toMatch(
      /^The settings need a correction:\n {2}- MERCHANTS_FILE .*\/merchants\/0\/id must not be default.*\n {2}- MERCHANTS_FILE .*\/merchants\/1\/webhookSecrets must have a secret\n$/,
    );
  });

  it("doesn't start with a live key of a merchant where the engine doesn't sign", async () => {
    const path = merchantsFile([{ ...books, stripeSecretKey: "env:LIVE_KEY" }]);
    const app = await started({ MERCHANTS_FILE: path });
    await until(() => app.code() !== null);
    expect(app.output()).toMatch(/\/merchants\/0 is a live one\. RESTATE_IDENTITY_KEYS is missing/);
  });

  it("doesn't start where a merchant has a webhook secret of the environment's", async () => {
    const path = merchantsFile([{ ...books, webhookSecrets: ["env:STRIPE_WEBHOOK_SECRET"] }]);
    const app = await started({ MERCHANTS_FILE: path });
    await until(() => app.code() !== null);
    expect(app.output()).toMatch(/\/merchants\/0\/webhookSecrets has a secret of the environment's/);
  });
});
