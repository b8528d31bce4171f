import type { IncomingMessage } from "node:http";
import { header } from "./authentication.ts";

/**
 * A website that is open in the developer's browser can send forms to this machine, and must not press the sandbox's
 * buttons. Browsers say where a request comes from; API clients say nothing of the kind and are none of this file's
 * business. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export const FOREIGN_ORIGIN =
  "The sandbox takes changes from its own pages and from API clients, not from other websites.";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Whether a request that may change something was sent by another website's page. */
export function comesFromElsewhere({ method, headers }: IncomingMessage): boolean {
  if (method === "GET" || method === "HEAD") return false;
  const site = header(headers, "sec-fetch-site");
  const origin = header(headers, "origin");
  if (site === undefined && origin === undefined) return false;
  const host = header(headers, "host") ?? "";
  // The owner of a name can let it point to this machine, and is then of the same origin to the browser.
  if (!LOOPBACK.test(host)) return true;
  return site === undefined ? origin !== `http://${host}` : site !== "same-origin";
}
