// Opens many connections and sends nothing on them: `node idleConnections.mjs <port> <count>`. Says how many are open, until it is killed.
import { connect } from "node:net";

const [port, count] = process.argv.slice(2).map(Number);
let open = 0;
let failed = 0;
for (let number = 0; number < count; number++) {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => {
    socket.once("connect", () => {
      open++;
      resolve();
    });
    socket.once("error", () => {
      failed++;
      resolve();
    });
  });
  socket.on("close", () => open--);
  socket.on("error", () => {});
}
process.send({ open, failed });
setInterval(() => process.send({ open, failed }), 200);
process.on("disconnect", () => process.exit());
