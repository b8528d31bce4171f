/** What the sandbox does when its disk is full: it says so, loses nothing that it acknowledged, and goes on when there is space. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startSandbox, type Sandbox } from "../../../src/sandbox/sandbox.ts";
import { mountSmallDisk, noSmallDisk, type SmallDisk } from "../../faults/smallDisk.ts";

const mandate = "mandate_data[customer_acceptance][type]=offline";

describe.skipIf(noSmallDisk !== null)("a sandbox whose disk is full", () => {
  let disk: SmallDisk;
  let sandbox: Sandbox;
  let warnings: string[];
  const delivered = new Set<string>();
  const receiver = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { type, data } = JSON.parse(text) as { type: string; data: { object: { id: string } } };
      delivered.add(`${type} ${data.object.id}`);
      response.end();
    });
  });

  async function start(): Promise<void> {
    sandbox = await startSandbox({
      port: 0,
      dataDir: disk.path,
      webhook: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, secret: "whsec_disk" },
      settlementDelayMs: 300,
      webhookRetryDelaysMs: [100, 100, 100],
      onWarning: (line) => warnings.push(line),
    });
  }

  beforeEach(async () => {
    warnings = [];
    disk = mountSmallDisk(4);
    await once(receiver.listen(0, "127.0.0.1"), "listening");
    await start();
  });
  afterEach(async () => {
    await sandbox.close();
    receiver.close();
    disk.unmount();
  });

  async function ask(method: string, path: string, form?: string, key?: string) {
    const response = await fetch(`${sandbox.url}${path}`, {
      method,
      headers: {
        authorization: "Bearer sk_test_disk",
        "content-type": "application/x-www-form-urlencoded",
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      ...(form === undefined ? {} : { body: form }),
    });
    const body = (await response.json()) as {
      id: string;
      status: string;
      error?: { type: string; message: string };
      data: { id: string }[];
    };
    return { status: response.status, body };
  }

  async function pay(key: string, method = "pm_card_visa") {
    const type = method.includes("BankAccount") ? "us_bank_account" : "card";
    const form = `amount=1000&currency=usd&confirm=true&payment_method=${method}&payment_method_types[]=${type}`;
    return await ask("POST", "/v1/payment_intents", type === "card" ? form : `${form}&${mandate}`, key);
  }

  it("refuses with Stripe's own 500 and names the disk, keeps what it acknowledged, and goes on by itself", async () => {
    const card = await pay("a");
    const debit = await pay("b", "pm_usBankAccount_success");
    expect([card.status, debit.status]).toEqual([200, 200]);
    disk.fill();

    const refused = await Promise.all(["c", "d", "e"].map((key) => pay(key)));
    for (const { status, body } of refused) {
      expect(status).toBe(500);
      expect(body.error).toMatchObject({
        type: "api_error",
        message: expect.stringMatching(/^The disk that holds .* is full, so nothing was done\./),
      });
    }
    // The settlement and the webhooks come due while there is no space.
    await vi.waitFor(() =>
      expect(warnings).toEqual([expect.stringContaining(`The disk that holds ${disk.path} is full`)]),
    );
    await new Promise((resolve) => setTimeout(resolve, 400));

    disk.free();
    await vi.waitFor(
      async () => {
        const { body } = await ask("GET", `/v1/payment_intents/${debit.body.id}`);
        expect(body.status).toBe("succeeded");
        expect([...delivered]).toEqual(
          expect.arrayContaining([
            `payment_intent.succeeded ${card.body.id}`,
            `payment_intent.succeeded ${debit.body.id}`,
          ]),
        );
      },
      { timeout: 20_000 },
    );
    expect(warnings).toEqual([expect.stringContaining("is full"), expect.stringContaining("There is space again")]);

    // Whoever was refused asks again with the same key, as with Stripe.
    const paid = await Promise.all(["c", "d", "e", "a"].map((key) => pay(key)));
    expect(paid.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(paid[3]?.body.id).toBe(card.body.id);
    expect((await ask("GET", "/v1/payment_intents?limit=100")).body.data).toHaveLength(5);
  });

  it("starts on a full disk with all that it acknowledged, and does what is due when there is space", async () => {
    const { body } = await pay("a", "pm_usBankAccount_success");
    disk.fill();
    expect((await pay("b")).status).toBe(500);
    await sandbox.close();
    disk.fill();
    await start();
    expect((await pay("c")).status).toBe(500);
    disk.free();
    await vi.waitFor(
      async () => {
        expect((await ask("GET", `/v1/payment_intents/${body.id}`)).body.status).toBe("succeeded");
      },
      { timeout: 20_000 },
    );
    expect((await pay("a", "pm_usBankAccount_success")).body.id).toBe(body.id);
    expect((await ask("GET", "/v1/payment_intents?limit=100")).body.data).toHaveLength(1);
  });

  it("says why it can't begin on a full disk", async () => {
    disk.fill();
    const other = startSandbox({ port: 0, dataDir: `${disk.path}/other`, webhook: null });
    await expect(other).rejects.toThrow(`The disk that holds ${disk.path}/other is full`);
    disk.free();
  });
});
