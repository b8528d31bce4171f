/**
 * A barrier in the engine's own log. What a handler sends or rings is on its way for a moment in which no table of the engine shows it.
 * An engine with one partition delivers in order: all that was sent before a call through the barrier has arrived once that is answered.
 */
import { iface, implement, type Context } from "@restatedev/restate-sdk";
import { registerDeployment } from "../../src/dev/registration.ts";
import { serve, type Served } from "../../src/durable/serve.ts";

const barrierInterface = iface.service("testBarrier", {
  pass: iface.json(),
  arrive: iface.json(),
});

const barrier = implement(barrierInterface, {
  handlers: {
    pass: async (ctx: Context) => await ctx.client(barrierInterface).arrive(),
    arrive: async () => {},
  },
  options: { journalRetention: 0 },
});

/**
 * It is served and registered when it is first passed: most tests need none.
 */
export function createBarrier(engine: { readonly ingressUrl: string; readonly adminUrl: string }) {
  let opening: Promise<Served> | null = null;
  async function open(): Promise<Served> {
    const served = await serve([barrier], { port: 0, identityKeys: [] });
    await registerDeployment(engine.adminUrl, `http://127.0.0.1:${served.port}`);
    return served;
  }
  return {
    /** Resolves when everything has arrived that was on its way. */
    async pass(): Promise<void> {
      await (opening ??= open());
      const response = await fetch(`${engine.ingressUrl}/testBarrier/pass`, { method: "POST" });
      if (!response.ok) throw new Error(`The barrier was answered ${response.status}: ${await response.text()}`);
    },
    async close(): Promise<void> {
      await (await opening)?.close();
    },
  };
}
