import type { IncomingMessage } from "node:http";
import { header } from "./authentication.ts";

/**
 * A website that is open in the developer's browser can send forms to this machine, and must not press the sandbox's
 * buttons. Browsers say where a request comes from; API clients say nothing of the kind and are none of this file's
 * business. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export const FOREIGN_ORIGIN =
  "The sandbox takes changes from its own pages and from API clients, not from other websites.";

export const FOREIGN_HOST =
  "The sandbox answers only to this machine's own names: localhost, 127.0.0.1 and [::1]. The `Host` of this request is another.";

/** A port says nothing: a browser always names the one that it connects to, and a forwarded port is another one. */
const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Whether a request asks for a host that is not this machine by name. The owner of a name can let it point to this machine
 * (DNS rebinding): the page under that name is then of the same origin to the browser, and could read every answer.
 */
export function asksForAnotherHost({ headers }: IncomingMessage): boolean {
  return !LOOPBACK.test(header(headers, "host") ?? "");
}

/** Whether a request that may change something was sent by another website's page. */
export function comesFromElsewhere({ method, headers }: IncomingMessage): boolean {
  if (method === "GET" || method === "HEAD") return false;
  const site = header(headers, "sec-fetch-site");
  const origin = header(headers, "origin");
  if (site === undefined && origin === undefined) return false;
  return site === undefined ? origin !== `http://${header(headers, "host") ?? ""}` : site !== "same-origin";
}
