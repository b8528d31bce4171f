/** HTTP as an attacker writes it: bytes on a socket, which no client library has put in order. */
import { connect, type Socket } from "node:net";

/** `status` is null where the connection ended, or stayed silent, without an answer. */
export type RawAnswer = { readonly status: number | null; readonly head: string; readonly body: string };

export type RawConnection = {
  /** Sends bytes, and waits for one answer. A connection that the server closed is opened again. */
  ask(bytes: string | Uint8Array): Promise<RawAnswer>;
  close(): void;
};

const patienceMs = 20_000;

export function openRaw(port: number): RawConnection {
  let socket: Socket | null = null;
  return {
    async ask(bytes) {
      const open = socket !== null && !socket.destroyed && socket.writable ? socket : connected(port);
      socket = open;
      const answer = await askOn(open, Buffer.from(bytes as Uint8Array));
      if (answer.status === null || /^connection: close$/im.test(answer.head)) open.destroy();
      return answer;
    },
    close: () => void socket?.destroy(),
  };
}

/** An error ends a connection, which is all that a test asks of it. */
function connected(port: number): Socket {
  return connect(port, "127.0.0.1").on("error", () => {});
}

/** One request on a connection of its own. */
export async function askRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  const connection = openRaw(port);
  try {
    return await connection.ask(bytes);
  } finally {
    connection.close();
  }
}

/** All that a server says on one connection until it closes it, or is silent. */
export async function converse(port: number, bytes: string | Uint8Array, silenceMs = 1000): Promise<readonly string[]> {
  const socket = connected(port);
  let text = "";
  await new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, silenceMs);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(resolve, silenceMs);
    });
    socket.on("close", () => resolve());
    socket.write(bytes);
  });
  socket.destroy();
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1] ?? "");
}

async function askOn(socket: Socket, bytes: Buffer): Promise<RawAnswer> {
  return await new Promise<RawAnswer>((resolve) => {
    const isHead = bytes.subarray(0, 5).toString("latin1") === "HEAD ";
    let received = Buffer.alloc(0);
    const finish = (answer: RawAnswer) => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onEnd).off("error", onEnd);
      resolve(answer);
    };
    const onEnd = () => finish(answerIn(received, true, isHead) ?? { status: null, head: "", body: "" });
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = answerIn(received, false, isHead);
      if (answer !== null) finish(answer);
    };
    const timer = setTimeout(() => {
      socket.destroy();
      onEnd();
    }, patienceMs);
    socket.on("data", onData).on("close", onEnd).on("error", onEnd);
    socket.write(bytes);
  });
}

/** The first answer that is no interim one. @param isOver no more bytes will come */
function answerIn(received: Buffer, isOver: boolean, isHead: boolean): RawAnswer | null {
  const text = received.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = text.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
  if (status < 200) return answerIn(received.subarray(end + 4), isOver, isHead);
  const rest = text.slice(end + 4);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (isHead || status === 204) return { status, head, body: "" };
  if (length !== undefined && rest.length >= Number(length))
    return { status, head, body: rest.slice(0, Number(length)) };
  const isChunked = /^transfer-encoding: chunked$/im.test(head);
  if (isChunked && rest.endsWith("0\r\n\r\n")) return { status, head, body: rest };
  return isOver ? { status, head, body: rest } : null;
}
