import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { Hono } from "hono";
import { compress } from "hono/compress";
import type { App } from "../app.ts";
import { forPeople } from "../http/people.tsx";
import { problem } from "../http/problem.ts";
import { requestTarget } from "./request_target.ts";

/** What Cloudflare does before a Worker: requests that are none are answered, and answers are compressed. */
export function listenerOf(app: App): RequestListener {
  const front = new Hono();
  const compressed = compress();
  // A part of a file is counted in the file's own bytes.
  front.use((c, next) => (c.req.raw.headers.has("Range") ? next() : compressed(c, next)));
  front.all("*", (c) => app.fetch(c.req.raw));
  const errorHandler = (error: unknown) =>
    error instanceof RequestError
      ? unsound("the request cannot be read")
      : problem(500, { code: "internal", message: "something went wrong here" });
  const listener = getRequestListener(front.fetch, { errorHandler });
  return (incoming, outgoing) => {
    const target = requestTarget(incoming);
    if (target.kind === "sound") {
      incoming.url = target.path;
      incoming.headers.host = target.host;
      return void listener(incoming, outgoing);
    }
    incoming.url = "/";
    incoming.headers.host = "localhost";
    const refuse = getRequestListener((request) => forPeople(request, unsound(target.message)));
    return void refuse(incoming, outgoing);
  };
}

const unsound = (message: string): Response => problem(400, { code: "usage", message });

/** CONNECT asks for a tunnel: Node hands over the socket, and there is nothing to listen to on it. */
export function refuseTunnel(_: IncomingMessage, socket: Duplex): void {
  socket.on("error", () => undefined); // a peer that is gone
  const body = '{"error":{"code":"usage","message":"this is no proxy"}}';
  const head = ["HTTP/1.1 405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS", "Connection: close"];
  socket.end(
    [...head, "Content-Type: application/json", `Content-Length: ${body.length}`, "", body].join("\r\n"),
  );
}
