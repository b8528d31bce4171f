/** A load balancer before the replicas: whole TCP connections, round robin, past a replica that is down. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

type Balancer = {
  readonly url: string;
  /** How many connections each replica got, by its port. */
  readonly connections: ReadonlyMap<number, number>;
  close(): void;
};

export async function startBalancer(port: number, replicaPorts: readonly number[]): Promise<Balancer> {
  const connections = new Map(replicaPorts.map((replica) => [replica, 0]));
  const open = new Set<Socket>();
  let turn = 0;
  const server: Server = createServer((client) => {
    keep(open, client);
    const first = turn++;
    const order = replicaPorts.map((_, index) => replicaPorts[(first + index) % replicaPorts.length] ?? 0);
    void lead(client, order);
  });
  const lead = async (client: Socket, order: readonly number[]) => {
    const replica = await reach(order);
    if (replica === null) {
      client.destroy();
      return;
    }
    keep(open, replica);
    const replicaPort = replica.remotePort ?? 0;
    connections.set(replicaPort, (connections.get(replicaPort) ?? 0) + 1);
    join(client, replica);
    join(replica, client);
  };
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${port}`,
    connections,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function keep(open: Set<Socket>, socket: Socket): void {
  open.add(socket);
  socket.setNoDelay(true);
  socket.once("close", () => open.delete(socket));
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  // The end of one side is the end of the other: a killed replica must look killed.
  from.on("error", () => to.destroy());
  from.once("close", () => to.destroy());
}

async function reach(ports: readonly number[]): Promise<Socket | null> {
  for (const port of ports) {
    const socket = connect({ port, host: "127.0.0.1" });
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      socket.destroy();
    }
  }
  return null;
}
