/** Reads a request's body: to a limit, whatever the sender says of its length. */
import type { IncomingMessage } from "node:http";
import { EdgeFailure } from "./failures.ts";

/** Calls and webhooks alike. Stripe's events are far smaller. */
const maximumBodyBytes = 1024 * 1024;

/** @throws EdgeFailure `too_large`, or `invalid_request` where the sender breaks off */
export async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  if (Number(incoming.headers["content-length"] ?? 0) > maximumBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maximumBodyBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof EdgeFailure) throw error;
    throw new EdgeFailure("invalid_request", "The request's body did not arrive whole.");
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
}

function tooLarge(): EdgeFailure {
  return new EdgeFailure("too_large", `The request's body has more than ${maximumBodyBytes} bytes.`);
}
