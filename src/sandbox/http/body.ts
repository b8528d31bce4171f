import type { IncomingMessage } from "node:http";
import { HTTPException } from "hono/http-exception";
import type { SandboxContext } from "./app.ts";
import { parseForm } from "./parameters.ts";

/**
 * Reads bodies as text. Stripe's API takes forms and the control API JSON; each reads the text itself, whatever its content
 * type says.
 */
const LIMIT_BYTES = 2 * 1024 * 1024;

/** Throws a 413 for a body above the limit. Node's own request is read, because the web's costs a stream for each body. */
export async function readText({ env: { incoming } }: SandboxContext): Promise<string> {
  if (Number(incoming.headers["content-length"] ?? 0) > LIMIT_BYTES) throw tooLarge();
  return await collect(incoming);
}

async function collect(incoming: IncomingMessage): Promise<string> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming
      .on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LIMIT_BYTES) reject(tooLarge());
        else chunks.push(chunk);
      })
      .on("end", () => resolve(Buffer.concat(chunks).toString()))
      // The client broke off, so that nobody reads the answer to this.
      .on("error", () => reject(new HTTPException(400, { message: "The request's body ended early." })));
  });
}

function tooLarge(): HTTPException {
  return new HTTPException(413, { message: "Request body is too large" });
}

/** The text fields of a page's form. */
export async function readFields(context: SandboxContext): Promise<Readonly<Record<string, string>>> {
  const form = parseForm(await readText(context));
  return Object.fromEntries(
    Object.entries(form).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
