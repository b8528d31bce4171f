/** Customers: made once per key whatever breaks, read as they are, and not found once they are gone. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { modes, openScene, until, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

const newEmail = () => `${crypto.randomUUID()}@example.com`;

describe.each(modes)("createCustomer and getCustomer, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  const customersOf = async (email: string) => (await scene.stripe.customers.list({ email })).data;
  const createFault = (effect: string, more: Record<string, string | number> = {}) =>
    scene.fault({ target: "api", effect, method: "POST", path: "/v1/customers", count: 1, ...more });

  it("creates a customer and reads it back, without the metadata that is ours", async () => {
    const email = newEmail();
    const metadata = { tier: "gold" };
    const { status, body } = await scene.call("createCustomer", { email, name: "Jenny Rosen", metadata });
    expect(status).toBe(200);
    expect(body).toEqual({ customerId: expect.stringMatching(/^cus_/), email, name: "Jenny Rosen", metadata });
    const { customerId } = body;
    expect(await scene.call("getCustomer", { customerId })).toEqual({ status: 200, body });
    const [there] = await customersOf(email);
    expect(there?.metadata).toEqual({
      ...metadata,
      restate_invocation_id: expect.stringMatching(/^inv_/),
      restate_installation: expect.stringMatching(/^in_/),
    });
  });

  it("creates one of a key, concurrently and after completion, and shows what has no name", async () => {
    const email = newEmail();
    const answers = await Promise.all([1, 2, 3].map(() => scene.call("createCustomer", { email }, email)));
    answers.push(await scene.call("createCustomer", { email }, email));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ email, name: null, metadata: {} });
    expect(await customersOf(email)).toHaveLength(1);
  });

  it("shows a customer that was made elsewhere as it is now", async () => {
    const { id: customerId } = await scene.stripe.customers.create({ name: "Before" });
    await scene.call("getCustomer", { customerId });
    await scene.stripe.customers.update(customerId, { name: "After" });
    expect(await scene.call("getCustomer", { customerId })).toMatchObject({
      status: 200,
      body: { customerId, email: null, name: "After" },
    });
  });

  it("answers 404 of a customer that never was, and of one that was deleted", async () => {
    const { id } = await scene.stripe.customers.create();
    await scene.stripe.customers.del(id);
    for (const customerId of [id, "cus_missing"]) {
      expect(await scene.call("getCustomer", { customerId })).toMatchObject({
        status: 404,
        body: { metadata: { reason: "not_found", customerId } },
      });
    }
  });

  it("lists every field that the schema refuses", async () => {
    const { status, body } = await scene.call("createCustomer", {
      email: "nobody",
      nmae: "x",
      metadata: { restate_a: "" },
    });
    expect(status).toBe(400);
    for (const field of ["email", "nmae", "restate_a"]) expect(body.message).toContain(field);
  });

  it.each(["error_500", "rate_limit", "html_502", "cut_before", "cut_after"])(
    "creates one in spite of %s",
    async (effect) => {
      const email = newEmail();
      await createFault(effect);
      expect(await scene.call("createCustomer", { email })).toMatchObject({ status: 200, body: { email } });
      expect(await customersOf(email)).toHaveLength(1);
    },
  );

  it("adopts the customer that a saved and replayed 500 hides", async () => {
    const email = newEmail();
    await createFault("error_500_saved_after");
    const { status, body } = await scene.call("createCustomer", { email });
    expect(status).toBe(200);
    expect((await customersOf(email)).map((one) => one.id)).toEqual([body["customerId"]]);
  });

  it("asks for a review when a saved 500 hides nothing", async () => {
    const email = newEmail();
    await createFault("error_500_saved");
    expect(await scene.call("createCustomer", { email })).toMatchObject({
      status: 502,
      body: { metadata: { reason: "needs_review" } },
    });
    expect(await customersOf(email)).toEqual([]);
  });

  it("creates one when the service is killed between Stripe's answer and its record", async () => {
    const email = newEmail();
    await scene.stopService();
    const victim = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
    await createFault("stall", { delayMs: 3000 });
    const call = scene.call("createCustomer", { email });
    await until("the customer", async () => (await customersOf(email))[0]);
    await victim.kill();
    await scene.startService();
    const { status, body } = await call;
    expect(status).toBe(200);
    expect((await customersOf(email)).map((one) => one.id)).toEqual([body["customerId"]]);
  });
});
