/** The data folder: its owner's alone, and a sentence instead of a stack trace where it can't be used. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDataFolder } from "../../src/dev/privateFolder.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { mountSmallDisk, noSmallDisk } from "../faults/smallDisk.ts";
import { temporaryDirectory, until } from "./conditions.ts";
import { startStripeStub, stubAccount } from "./stripeStub.ts";

const identityKey = "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f";
const programs = join(import.meta.dirname, "../../src/bin");

type Settings = Readonly<Record<string, string>>;

async function settingsFor(dataDir: string): Promise<Settings> {
  const [edge, admin, service, sandbox] = await freePorts(4);
  return {
    EDGE_PORT: String(edge),
    RESTATE_ADMIN_PORT: String(admin),
    PORT: String(service),
    SANDBOX_PORT: String(sandbox),
    DATA_DIR: dataDir,
  };
}

/** Runs a program of ours in a shell that takes no rights from the files that it makes. */
function run(program: string, settings: Settings, credentials: { readonly uid?: number } = {}) {
  const child = spawn("/bin/sh", ["-c", `umask 000; exec "$0" "$1"`, process.execPath, join(programs, program)], {
    cwd: "/",
    env: { PATH: process.env["PATH"], ...settings },
    stdio: ["ignore", "pipe", "pipe"],
    ...credentials,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += String(chunk)));
  const exited = once(child, "close").then(([code]: unknown[]) => code);
  return { output: () => output, exited, stop: () => child.kill("SIGTERM") };
}

/** What others than the owner may do something with, as `path mode`; and how much was looked at. */
function openToOthers(folder: string): { readonly open: readonly string[]; readonly seen: number } {
  const paths = [
    folder,
    ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  ];
  const open = paths.flatMap((path) => {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined || status.isSymbolicLink()) return [];
    const mode = status.mode & 0o777;
    const expected = status.isDirectory() ? 0o700 : 0o600;
    return mode === expected || status.isSocket() ? [] : [`${path} ${mode.toString(8)}`];
  });
  return { open, seen: paths.length };
}

function openEverything(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    chmodSync(path, lstatSync(path).isDirectory() ? 0o755 : 0o644);
  }
  chmodSync(folder, 0o755);
}

describe.each([
  ["npm start with the sandbox", "start.ts", false, "Ready to take payments", 30],
  ["npm start with a Stripe key", "start.ts", true, "Ready to take payments", 30],
  ["npm run sandbox", "sandbox.ts", false, "Ctrl-C stops it", 4],
])("%s", (_what, program, hasKey, isReady, leastFiles) => {
  test("keeps folders at 0700 and files at 0600, also those of an earlier version", async () => {
    const dataDir = join(temporaryDirectory(), "data");
    const stripe = { STRIPE_SECRET_KEY: "sk_test_stub", STRIPE_WEBHOOK_SECRET: "whsec_stub" };
    const settings = {
      ...(await settingsFor(dataDir)),
      ...(hasKey ? { ...stripe, STRIPE_API_BASE: await startStripeStub(stubAccount) } : {}),
    };
    for (const start of ["first", "second"]) {
      const running = run(program, settings);
      await Promise.race([
        until(() => running.output().includes(isReady)),
        running.exited.then(() => Promise.reject(new Error(running.output()))),
      ]);
      const { open, seen } = openToOthers(dataDir);
      expect([start, open]).toEqual([start, []]);
      expect(seen).toBeGreaterThan(leastFiles);
      running.stop();
      expect(await running.exited).toBe(0);
      expect([start, openToOthers(dataDir).open]).toEqual([start, []]);
      openEverything(dataDir);
    }
  });
});

test("a sandbox in somebody's own tests keeps its database to their user", async () => {
  const dataDir = join(temporaryDirectory(), "sandbox");
  const sandbox = await startSandbox({ port: 0, dataDir });
  onTestFinished(() => sandbox.close());
  const { open, seen } = openToOthers(dataDir);
  expect(open).toEqual([]);
  expect(seen).toBeGreaterThan(1);
});

test("a folder that holds other things as well keeps its rights, and links are not followed", () => {
  const dataDir = temporaryDirectory();
  const elsewhere = join(temporaryDirectory(), "elsewhere");
  writeFileSync(elsewhere, "mine");
  writeFileSync(join(dataDir, "program.sh"), "mine");
  mkdirSync(join(dataDir, "sandbox"));
  symlinkSync(elsewhere, join(dataDir, "sandbox/link"));
  for (const path of [dataDir, join(dataDir, "program.sh"), join(dataDir, "sandbox"), elsewhere])
    chmodSync(path, 0o755);
  openDataFolder(dataDir);
  const modes = [dataDir, join(dataDir, "program.sh"), join(dataDir, "sandbox"), elsewhere].map(
    (path) => lstatSync(path).mode & 0o777,
  );
  expect(modes).toEqual([0o755, 0o755, 0o700, 0o755]);
});

async function refused(program: string, dataDir: string, credentials = {}): Promise<string> {
  const running = run(program, await settingsFor(dataDir), credentials);
  expect(await running.exited).toBe(1);
  return running.output().replace(/^Starting the engine.*\n/, "");
}

describe("a data folder that can't be used is told in a sentence that names the variable, when it is", () => {
  const sentence =
    /^DATA_DIR can't be used: .*Expected a folder that this user may read and write, .*DATA_DIR=\.data2\.\n?$/;

  test.each(["start.ts", "sandbox.ts", "demo.ts"])("a file (%s)", async (program) => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    expect(await refused(program, file)).toMatch(sentence);
    expect(await refused(program, join(file, "below"))).toMatch(sentence);
  });

  test.each(["start.ts", "sandbox.ts"])("somebody else's (%s)", async (program) => {
    const folder = temporaryDirectory();
    chmodSync(folder, 0o755);
    const isRoot = process.getuid?.() === 0;
    // Root may write everywhere, so it becomes nobody for this; another user looks at a folder without its own rights.
    if (!isRoot) chmodSync(folder, 0o555);
    const message = await refused(program, join(folder, "data"), isRoot ? { uid: 65_534 } : {});
    expect(message).toMatch(sentence);
    expect(message).toContain("is not allowed to this user");
  });

  test.skipIf(noSmallDisk !== null).each(["start.ts", "sandbox.ts"])("full (%s)", async (program) => {
    const disk = mountSmallDisk(1);
    onTestFinished(() => disk.unmount());
    disk.fill();
    const message = await refused(program, disk.path);
    expect(message).toMatch(sentence);
    expect(message).toContain("full");
  });

  test.each([
    ["start.ts", "lock.sqlite"],
    ["sandbox.ts", "sandbox-alone.lock.sqlite"],
    ["sandbox.ts", "sandbox-alone/sandbox.sqlite"],
  ])("damaged (%s, %s)", async (program, file) => {
    const dataDir = temporaryDirectory();
    mkdirSync(join(dataDir, "sandbox-alone"));
    writeFileSync(
      join(dataDir, file),
      "This is no database, and long enough not to be taken for an empty one. ".repeat(20),
    );
    expect(await refused(program, dataDir)).toMatch(sentence);
  });

  test("without the table of its Stripe accounts", async () => {
    const dataDir = temporaryDirectory();
    writeFileSync(join(dataDir, "targets.json"), "{");
    const running = run("start.ts", {
      ...(await settingsFor(dataDir)),
      STRIPE_SECRET_KEY: "sk_test_stub",
      STRIPE_WEBHOOK_SECRET: "whsec_stub",
      STRIPE_API_BASE: await startStripeStub(stubAccount),
    });
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(sentence);
    expect(running.output()).toContain("targets.json is damaged");
  });
});

/** Root may take any port, and so may everybody where the system says so. */
const nobodyMayTakePort80 = (() => {
  const script = `require("net").createServer().on("error", (error) => console.log(error.code)).listen(80, "127.0.0.1", process.exit)`;
  const isRoot = process.getuid?.() === 0;
  const { stdout } = spawnSync(process.execPath, ["-e", script], {
    cwd: "/",
    encoding: "utf8",
    ...(isRoot ? { uid: 65_534 } : {}),
  });
  return stdout.trim() === "EACCES";
})();

describe.skipIf(!nobodyMayTakePort80)("port 80 without permission", () => {
  test.each([
    ["app.ts", "PORT", /^Port 80 is not allowed to this user\. Set PORT to .*PORT=9080\.\n$/],
    ["sandbox.ts", "SANDBOX_PORT", /^Port 80 is not allowed to this user\. .*SANDBOX_PORT=8080\.\n$/],
    ["start.ts", "EDGE_PORT", /^Port 80 is not allowed to this user\. .*EDGE_PORT=8080\.\n$/],
  ])("is told by %s in a sentence that names %s", async (program, variable, message) => {
    const folder = temporaryDirectory();
    chmodSync(folder, 0o777);
    const running = run(
      program,
      {
        ...(await settingsFor(join(folder, "data"))),
        ...(program === "app.ts"
          ? {
              STRIPE_SECRET_KEY: "sk_test_stub",
              STRIPE_WEBHOOK_SECRET: "whsec_stub",
              RESTATE_IDENTITY_KEYS: identityKey,
            }
          : {}),
        [variable]: "80",
      },
      process.getuid?.() === 0 ? { uid: 65_534 } : {},
    );
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(message);
  });
});
