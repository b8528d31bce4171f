/** A tap between the edge and the engine: it hands on what comes, and keeps what came, so that a test can tell what reached the engine. */
import { Agent, createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

type Tapped = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
};

export type Tap = {
  readonly url: string;
  readonly tapped: Tapped[];
  /** Requests that wait for their answer. */ open(): number;
  close(): Promise<void>;
};

/** @param target of the engine, `http://…` */
export async function openTap(target: string): Promise<Tap> {
  const tapped: Tapped[] = [];
  let open = 0;
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headersDistinct } = incoming;
    tapped.push({ method, path: url, headers: headersDistinct });
    const onward = request(
      `${target}${url}`,
      { method, headers: incoming.headers, agent },
      (answer: IncomingMessage) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        answer.on("error", () => outgoing.destroy());
      },
    );
    // An engine that is gone is gone for the edge, too.
    onward.on("error", () => outgoing.destroy());
    open++;
    outgoing.on("close", () => {
      open--;
      onward.destroy();
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    tapped,
    open: () => open,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}
