import type { HttpBindings } from "@hono/node-server";
import type { Context, Hono } from "hono";

/** The sandbox's routes, and one request to them with Node's own request beside Hono's. */
export type SandboxApp = Hono<{ Bindings: HttpBindings }>;
export type SandboxContext = Context<{ Bindings: HttpBindings }>;
