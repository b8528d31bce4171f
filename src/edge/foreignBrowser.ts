/**
 * Browsers of other websites. A page that is open in a developer's or a customer's browser can send requests to any address, also to
 * this machine; the browser says where they come from. API clients say nothing of the kind.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
import { onlyValue, type RequestHeaders } from "./requestHeaders.ts";

/** The page's own requests, and those of the person: an address that was typed, or a bookmark. */
const ownSites: readonly string[] = ["same-origin", "none"];

/** Whether a browser sends the request for a page of another origin than the requested host. Another port is another origin. */
export function isForeignBrowser(headers: RequestHeaders): boolean {
  const sites = headers["sec-fetch-site"] ?? [];
  if (sites.some((site) => !ownSites.includes(site))) return true;
  const host = onlyValue(headers, "host");
  const origins = headers["origin"] ?? [];
  // An origin that can't be told from others, such as that of a sandboxed frame, is the word "null".
  return origins.length > 1 || origins.some((origin) => !isOfHost(origin, host));
}

/** Browsers leave the port of the scheme away; a proxy may write it. */
function isOfHost(origin: string, host: string | null): boolean {
  const url = URL.parse(origin);
  if (url === null || host === null || !/^https?:$/.test(url.protocol)) return false;
  return url.host === URL.parse(`${url.protocol}//${host}`)?.host;
}
