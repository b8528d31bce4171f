/** A small service in the place of src/bin/app.ts: `wait` waits for an awakeable, `echo` answers, `crash` ends the process. */
import { createServer } from "node:http2";
import * as restate from "@restatedev/restate-sdk";

const stub = restate.service({
  name: process.env["STUB_NAME"] ?? "stub",
  handlers: {
    echo: async (_ctx: restate.Context, input: string) => input,
    crash: async (_ctx: restate.Context) => {
      console.error("the stub crashes as told");
      process.exit(3);
    },
    wait: restate.createServiceHandler({ inactivityTimeout: 0 }, async (ctx: restate.Context) => {
      const { id, promise } = ctx.awakeable<string>();
      await ctx.run("tell", () => console.log(`awakeable ${id}`));
      return promise;
    }),
    ...(process.env["STUB_EXTRA"] === undefined ? {} : { extra: async (_ctx: restate.Context) => "extra" }),
  },
});

const server = createServer(restate.createEndpointHandler({ services: [stub], logger: () => undefined }));
server.listen(Number(process.env["PORT"]), "127.0.0.1");
for (const event of ["SIGTERM", "SIGINT", "disconnect"]) process.on(event, () => process.exit(0));
