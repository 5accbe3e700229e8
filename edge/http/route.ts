import type { Hono } from "hono";
import type { Handler } from "hono/types";
import { problem } from "./problem.ts";

type Method = "get" | "put" | "post";
export type Handlers = Readonly<Partial<Record<Method, Handler>>>;

/** The answer to a preflight request (CORS) of a browser. No browser keeps the answer for more than a day. */
const PREFLIGHT = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, HEAD",
  "Access-Control-Allow-Headers": "If-None-Match, If-Range, Range",
  "Access-Control-Max-Age": "86400",
};

/** Gives a path its handlers. Other methods are answered with 405 and the list of allowed ones (RFC 9110, 15.5.6). */
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
  app.all(path, () =>
    problem(405, { code: "usage", message: "this path does not support this method" }, headers),
  );
}
