/** Requests to an engine, wherever it listens. */
import { Agent, fetch as fetchBySocket } from "undici";
import { connectionTo } from "./address.ts";

/**
 * `fetch` for the address of an engine, `http://…` or `unix:<path>`, which Node's own can't reach.
 * @param path with the slash that it begins with
 */
export async function requestEngine(address: string, path: string, init: RequestInit = {}): Promise<Response> {
  const { origin, socketPath } = connectionTo(address);
  if (socketPath === null) return await fetch(`${origin}${path}`, init);
  // Both follow the same standard; their types differ in name.
  const options = { ...init, dispatcher: agentFor(socketPath) } as Parameters<typeof fetchBySocket>[1];
  return await fetchBySocket(`${origin}${path}`, options);
}

/** One per socket: it keeps the connections. */
const agents = new Map<string, Agent>();

function agentFor(socketPath: string): Agent {
  const known = agents.get(socketPath);
  if (known !== undefined) return known;
  const agent = new Agent({ connect: { socketPath } });
  agents.set(socketPath, agent);
  return agent;
}
