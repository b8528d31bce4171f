/** In the place of src/bin/edge.ts where nobody calls: it listens, and says so. */
import { createServer } from "node:http";

const port = Number(process.env["EDGE_PORT"]);
createServer((_request, response) => response.writeHead(404).end()).listen(port, "127.0.0.1", () => {
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
for (const event of ["SIGTERM", "SIGINT", "disconnect"]) process.on(event, () => process.exit(0));
