/** An HTTP server that answers each request by the next line of a script, and keeps what it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
};

export type Line = (response: ServerResponse) => void;

export type ScriptedEdge = {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** How many clients went away before they had an answer. */
  left(): number;
  close(): Promise<void>;
};

/** The last line answers all further requests, too. @param port 0 for any that is free */
export async function startScriptedEdge(lines: readonly Line[], port = 0): Promise<ScriptedEdge> {
  const received: Received[] = [];
  let left = 0;
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished && !response.destroyed) left++;
    });
    request.on("close", () => {
      if (!response.writableEnded) left++;
    });
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const line = lines[Math.min(received.length, lines.length - 1)];
      const { method = "", url = "", headers } = request;
      received.push({ method, path: url, headers, body: Buffer.concat(chunks).toString(), atMs: performance.now() });
      line?.(response);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  const close = async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(close);
  const listening = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${listening}`, port: listening, received, left: () => left, close };
}

export function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Line {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

export function html(status: number): Line {
  return (response) => {
    response.writeHead(status, { "content-type": "text/html" }).end("<h1>nginx</h1>");
  };
}

export const accepted = (callId: string): Line => json(202, { callId }, { location: `/calls/${callId}` });

export function failed(
  status: number,
  reason: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Line {
  return json(status, { code: status, message: `It is ${reason}.`, metadata: { reason, ...more } }, headers);
}

/** The connection ends before anything is answered. */
export const dropped: Line = (response) => response.socket?.destroy();

/** The connection ends inside of the body. */
export const droppedInside: Line = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"paymentIntentId": ', () => response.socket?.destroy());
};

/** The body ends too soon, and nobody says so. */
export const cutShort: Line = (response) => {
  response.writeHead(200, { "content-type": "application/json" }).end('{"paymentIntentId": ');
};

export const hangs: Line = () => undefined;

/** Headers come, and then nothing. */
export const hangsInside: Line = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write("{");
};
