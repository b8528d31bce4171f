import { Hono } from "hono";
import { addControlRoutes } from "./control/control.ts";
import type { SandboxApp, SandboxContext } from "./http/app.ts";
import { readText } from "./http/body.ts";
import type { Endpoint } from "./http/endpoint.ts";
import { asksForAnotherHost, comesFromElsewhere, FOREIGN_HOST, FOREIGN_ORIGIN } from "./http/foreignOrigin.ts";
import { cutConnection, failureReply, JSON_TYPE, type PlainReply, refusalReply, reply } from "./http/replies.ts";
import type { Sent } from "./http/sent.ts";
import { answerRequest } from "./objects/answerRequest.ts";
import { ENDPOINTS } from "./objects/endpoints.ts";
import type { Parts } from "./objects/parts.ts";
import { addAuthorizePage } from "./pages/authorizePage.ts";
import { addCheckoutPage } from "./pages/checkoutPage.ts";
import { addDashboard } from "./pages/dashboard/dashboard.ts";
import { addInstructionsPages } from "./pages/instructionsPage.ts";
import { addLinkPage } from "./pages/linkPage.ts";
import { addOAuthPage } from "./pages/oauthPage.ts";
import { addOnboardingPage } from "./pages/onboardingPage.ts";
import { addAssets } from "./pages/page.ts";

/** Everything that the sandbox answers: Stripe's API, the control API and the pages. */
export function createApp(parts: Parts, onSent: ((sent: Sent) => void) | undefined): SandboxApp {
  const app: SandboxApp = new Hono();
  const send = (context: SandboxContext, pattern: string | null, answer: PlainReply | null): Response => {
    if (answer === null) return cutConnection(context);
    const { status, body, headers } = answer;
    const { method = "GET", url = "/" } = context.env.incoming;
    // The answer to HEAD has no body.
    if (isDeclared(url, status) && method !== "HEAD" && headers["Content-Type"] === JSON_TYPE) {
      onSent?.({ from: `${method} ${pattern ?? url}`, status, body });
    }
    return reply(status, body, headers);
  };
  app.onError((error, context: SandboxContext) => send(context, null, failureReply(error)));
  app.use(async (context, next) => {
    const { incoming } = context.env;
    const { url = "/" } = incoming;
    if (asksForAnotherHost(incoming)) return send(context, null, refusalReply(403, FOREIGN_HOST));
    if (comesFromElsewhere(incoming)) return send(context, null, refusalReply(403, FOREIGN_ORIGIN));
    if (!isDecodable(url)) return send(context, null, refusalReply(400, `'${url}' is not a valid url component`));
    return await next();
  });
  const answerApi = async (context: SandboxContext, endpoint: Endpoint | null): Promise<Response> => {
    const { headers, method = "GET", url = "/" } = context.env.incoming;
    const id = context.req.param("id") ?? "";
    const answered = async (): Promise<PlainReply | null> => {
      const body = method === "POST" ? await readText(context) : "";
      return await answerRequest(parts, endpoint, { method, url, headers, body, id });
    };
    return send(context, endpoint?.path ?? null, await answered().catch(failureReply));
  };
  // Of two routes that fit, Hono takes the first: `/v1/payment_intents/search` must come before `/v1/payment_intents/:id`.
  for (const endpoint of ENDPOINTS.toSorted((one, other) => parametersIn(one) - parametersIn(other))) {
    app.on(endpoint.method, endpoint.path, async (context) => await answerApi(context, endpoint));
  }
  app.notFound(async (context: SandboxContext) => await answerApi(context, null));
  addControlRoutes(app, parts);
  addAssets(app);
  addAuthorizePage(app, parts);
  addCheckoutPage(app, parts);
  addLinkPage(app, parts);
  addInstructionsPages(app, parts);
  addOAuthPage(app, parts);
  addOnboardingPage(app, parts);
  addDashboard(app, parts);
  return app;
}

/** Whether the stripe package declares the shape of the answer; it doesn't for the errors of OAuth. */
function isDeclared(url: string, status: number): boolean {
  return url.startsWith("/v1/") || (url.startsWith("/oauth/") && status < 400);
}

function parametersIn({ path }: Endpoint): number {
  return path.split(":").length - 1;
}

/** Whether the part of an address before its query is percent-encoded as it should be. */
function isDecodable(url: string): boolean {
  const [path = ""] = url.split("?", 1);
  if (!path.includes("%")) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
