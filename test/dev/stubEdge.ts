/** In the place of src/bin/edge.ts where nobody calls: it listens, and says so. It may take its time to end. */
import { createServer } from "node:http";

const port = Number(process.env["EDGE_PORT"]);
createServer((_request, response) => response.writeHead(404).end()).listen(port, "127.0.0.1", () => {
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
const stop = () => setTimeout(() => process.exit(0), Number(process.env["STUB_LINGERS_MS"] ?? 0));
for (const event of ["SIGTERM", "SIGINT", "disconnect"]) process.on(event, stop);
