/** Every connection takes the engine a file, and it ends where it gets no more: that must not come as a surprise. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../src/dev/ports.ts";
import { lowLimitWarning, ownFileLimit } from "../../src/operator/engine/openFiles.ts";
import { runDoctor } from "../operator/doctor/programs.ts";
import { temporaryDirectory, until } from "./conditions.ts";
import { startStripeStub, stubAccount } from "./stripeStub.ts";

const startProgram = join(import.meta.dirname, "../../src/bin/start.ts");

/** This process needs its own ends of the connections. */
test.skipIf((ownFileLimit() ?? 0) < 4096)(
  "1,500 slow connections and 1,024 files: the start and the doctor warn, and the end is explained",
  async () => {
    const directory = temporaryDirectory();
    const [edge = 0, ingress = 0, admin = 0, service = 0, sandbox = 0] = await freePorts(5);
    const settings = {
      EDGE_PORT: String(edge),
      RESTATE_INGRESS_PORT: String(ingress),
      RESTATE_ADMIN_PORT: String(admin),
      PORT: String(service),
      SANDBOX_PORT: String(sandbox),
      DATA_DIR: join(directory, "data"),
      STRIPE_SECRET_KEY: "sk_test_stub",
      STRIPE_WEBHOOK_SECRET: "whsec_stub",
      STRIPE_API_BASE: await startStripeStub({ status: 200, body: { ...stubAccount.body, data: [] } }),
    };
    const child = spawn("/bin/sh", ["-c", `ulimit -n 1024 && exec "$0" "$1"`, process.execPath, startProgram], {
      cwd: directory,
      env: { PATH: process.env["PATH"], ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += String(chunk)));
    const exited = once(child, "close");
    await until(() => output.includes("Ready to take payments"));
    expect(output).toMatch(/^\[engine\] A process may open 1024 files here, .* LimitNOFILE/m);

    const examined = await runDoctor(settings);
    const finding = examined.trouble("open files");
    expect(finding.message).toMatch(/^The engine \(process \d+\) may open 1024 files, .* end the engine\.$/);
    // The guard has the port, and the engine stands behind it.
    const [, pid = ""] = /process (\d+)/.exec(finding.message) ?? [];
    expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("restate-server\n");
    expect(finding.remedies[0]).toContain("LimitNOFILE=65536");

    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (let count = 0; count < 1500; count++) {
      const socket = connect(ingress, "127.0.0.1");
      // Where the engine is gone already.
      socket.on("error", () => undefined);
      // A request that is never complete.
      socket.on("connect", () => void socket.write("POST /payments/processPayment HTTP/1.1\r\nhost: a\r\n"));
      sockets.push(socket);
    }
    expect(await exited).toEqual([1, null]);
    expect(output).toContain("The engine ended with exit code 1");
    expect(output).toContain("It had as many files and connections open as it may. Raise the limit (LimitNOFILE)");
  },
);

test("a limit that is high enough is no warning", () => {
  expect([lowLimitWarning(65_536), lowLimitWarning(Number.POSITIVE_INFINITY), lowLimitWarning(undefined)]).toEqual([
    null,
    null,
    null,
  ]);
});
