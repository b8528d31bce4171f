/**
 * TCP ports of this machine: which are free, which are taken, and what to tell the person who needs a taken one.
 *
 * Our own search instead of get-port: that gives ports of the range that outgoing connections take theirs from, which has cost
 * tests their port; from a range of one's choice it gives the lowest, which is the same one in every process that looks at
 * that moment; and when the range is full, it gives a port from outside it without a word.
 */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";

export type PortNeed = {
  readonly port: number;
  /** Who needs it, as the subject of a sentence: "The service". */
  readonly who: string;
  /** The variable that changes it. */
  readonly variable: string;
};

/**
 * As many free ports as asked for, all different. They are free now; whoever waits long may lose them to another listener, but
 * not to an outgoing connection, which systems give ports above these.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  try {
    // All are held at once, so that none is found twice.
    for (let tries = 0; held.size < count; tries++) {
      if (tries === maximumTries) throw new Error(`No ${count} free ports between ${lowestPort} and ${highestPort}.`);
      const port = randomInt(lowestPort, highestPort + 1);
      const server = createServer();
      if ((await bindError(server, port)) === undefined) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(closed));
  }
}

const lowestPort = 14_000;
const highestPort = 32_000;
const maximumTries = 10_000;

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("No free port on this machine.");
  return port;
}

/** A message for each port that cannot be used, empty when all can. */
export async function portProblems(needs: readonly PortNeed[]): Promise<readonly string[]> {
  const problems = await Promise.all(needs.map(portProblem));
  return problems.filter((problem) => problem !== undefined);
}

async function portProblem(need: PortNeed): Promise<string | undefined> {
  const example = `Choose another one, for example ${need.variable}=${exampleBeside(need.port)}`;
  const taken = `Port ${need.port} is taken. ${need.who} needs it. ${example}, or stop what listens there.`;
  // Binding alone does not tell: macOS lets 127.0.0.1 be bound beside a wildcard listener, and a listener on ::1 would
  // get the calls to "localhost" that are meant for us.
  if (await answers("127.0.0.1", need.port)) return taken;
  if (await answers("::1", need.port)) return taken;
  const server = createServer();
  const code = await bindError(server, need.port);
  await closed(server);
  if (code === undefined) return undefined;
  if (code === "EACCES") return `Port ${need.port} is not allowed to this user. ${need.who} needs it. ${example}.`;
  return taken;
}

/** Systems keep the ports below 1024 for root. https://www.rfc-editor.org/rfc/rfc6335#section-6 */
function exampleBeside(port: number): number {
  if (port < 1024) return port + 8000;
  return port < 65_535 ? port + 1 : port - 1;
}

/** Whether something accepts connections there. */
export async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Why the server can't listen there; undefined if it does now. */
async function bindError(server: Server, port: number): Promise<string | undefined> {
  try {
    server.listen({ port, host: "127.0.0.1", exclusive: true });
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function closed(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
