import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { Hono } from "hono";
import { compress } from "hono/compress";
import type { App } from "../app.ts";
import { problem } from "../http/problem.ts";
import { problemAsPage } from "../http/problem_page.tsx";
import { requestTarget } from "./request_target.ts";

/** Does what Cloudflare does before a Worker: answers requests that cannot be read, and compresses answers. */
export function listenerOf(app: App): RequestListener {
  const front = new Hono();
  const compressed = compress();
  // A range counts the file's own bytes, so it is not compressed.
  front.use((c, next) => (c.req.raw.headers.has("Range") ? next() : compressed(c, next)));
  front.all("*", (c) => app.fetch(c.req.raw));
  const errorHandler = (error: unknown) =>
    error instanceof RequestError
      ? badRequest("the request cannot be read")
      : problem(500, { code: "internal", message: "something went wrong here" });
  const listener = getRequestListener(front.fetch, { errorHandler });
  return (incoming, outgoing) => {
    const target = requestTarget(incoming);
    if (target.kind === "valid") {
      incoming.url = target.path;
      incoming.headers.host = target.host;
      return void listener(incoming, outgoing);
    }
    incoming.url = "/";
    incoming.headers.host = "localhost";
    const refuse = getRequestListener((request) => problemAsPage(request, badRequest(target.message)));
    return void refuse(incoming, outgoing);
  };
}

const badRequest = (message: string): Response => problem(400, { code: "usage", message });

/** Refuses CONNECT, which asks for a tunnel: Node hands over the socket, and no request can follow on it. */
export function refuseTunnel(_: IncomingMessage, socket: Duplex): void {
  socket.on("error", () => undefined); // The peer may have disconnected.
  const body = '{"error":{"code":"usage","message":"this server is not a proxy"}}';
  const head = ["HTTP/1.1 405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS", "Connection: close"];
  socket.end(
    [...head, "Content-Type: application/json", `Content-Length: ${body.length}`, "", body].join("\r\n"),
  );
}
