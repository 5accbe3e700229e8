import type { Hono } from "hono";
import type { Handler } from "hono/types";
import { problem } from "./problem.ts";

type Method = "get" | "put" | "post";
export type Handlers = Readonly<Partial<Record<Method, Handler>>>;

/** A browser asks first before it sends a header that is not on its list; a day is as long as any of them keeps it. */
const PREFLIGHT = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, HEAD",
  "Access-Control-Allow-Headers": "If-None-Match, If-Range, Range",
  "Access-Control-Max-Age": "86400",
};

/** Gives a path its handlers; other methods get 405 and the list of those that there are (RFC 9110, 15.5.6). */
export function route(app: Hono, path: string, handlers: Handlers): void {
  const methods = Object.keys(handlers) as Method[];
  for (const method of methods) {
    const handler = handlers[method];
    if (handler) app[method](path, handler);
  }
  const allow = methods.flatMap((method) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  const headers = { Allow: [...allow, "OPTIONS"].join(", ") };
  app.options(path, () => {
    const preflight = methods.includes("get") ? PREFLIGHT : {};
    return new Response(null, { status: 204, headers: { ...headers, ...preflight } });
  });
  app.all(path, () => problem(405, { code: "usage", message: "this method is not for this path" }, headers));
}
