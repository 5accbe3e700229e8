import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { sha256Of } from "../../node/crypto.ts";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { type Bundle, encodeBundle } from "../../shared/feed/bundle.ts";
import type { Certificate } from "./certificate.ts";

/** What a client cost the network. The bytes are those of its sockets, with headers and TLS. */
export interface Wire {
  requests: number;
  up: number;
  down: number;
}

export const SCHEMES = ["https", "http"] as const;
export type Scheme = (typeof SCHEMES)[number];

export interface BenchServer {
  readonly urls: Readonly<Record<Scheme, string>>;
  readonly wire: Wire;
  /** The number of sockets that are open. */
  open(): number;
  /** Replaces what is served for a kernel. */
  put(bundle: Bundle): Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  readonly body: Uint8Array;
  readonly etag: string;
}

/**
 * Serves a repository over HTTP and HTTPS as the edge does: feed.json with a strong tag and gzip, the TUF files beside it,
 * the same headers for both.
 */
export async function serve(root: Uint8Array, certificate: Certificate): Promise<BenchServer> {
  const files = new Map<string, Answer>();
  const wire: Wire = { requests: 0, up: 0, down: 0 };
  let open = 0;
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    wire.requests++;
    answer(files, request, response);
  };
  const servers = { http: createServer(respond), https: createTlsServer(certificate, respond) };
  for (const server of Object.values(servers)) {
    // Bytes are counted when a socket closes, at the latest when its client ends.
    server.on("connection", (socket: Socket) => {
      open++;
      socket.once("close", () => {
        wire.up += socket.bytesRead;
        wire.down += socket.bytesWritten;
        open--;
      });
    });
  }
  return {
    urls: {
      http: `http://127.0.0.1:${await listen(servers.http)}/`,
      https: `https://127.0.0.1:${await listen(servers.https)}/`,
    },
    wire,
    open: () => open,
    async put(bundle) {
      for (const [path, body] of await paths(bundle, root)) {
        files.set(path, { body, etag: `"${sha256Of(body)}"` });
      }
    },
    async close() {
      for (const server of Object.values(servers)) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

function answer(
  files: ReadonlyMap<string, Answer>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const file = files.get(request.url ?? "");
  const common = { "cache-control": "public, max-age=60, stale-while-revalidate=300" };
  if (!file) {
    response.writeHead(404, { "cache-control": "no-store", "content-type": "application/json" }).end("{}");
  } else if ([file.etag, "*"].includes(request.headers["if-none-match"] ?? "")) {
    response.writeHead(304, { etag: file.etag, ...common }).end();
  } else {
    const body = gzipSync(file.body);
    const headers = {
      "content-type": "application/json",
      "content-encoding": "gzip",
      etag: file.etag,
      ...common,
    };
    response.writeHead(200, { ...headers, "content-length": body.length }).end(body);
  }
}

async function paths(bundle: Bundle, root: Uint8Array): Promise<readonly (readonly [string, Uint8Array])[]> {
  const id: BuildId = buildId(bundle.buildId);
  const version = versionOf(bundle.targets);
  const base = `/kernels/${id}`;
  return [
    [`${base}/feed.json`, encodeBundle(bundle)],
    [`${base}/metadata/1.root.json`, root],
    [`${base}/metadata/timestamp.json`, bundle.timestamp],
    [`${base}/metadata/${version}.snapshot.json`, bundle.snapshot],
    [`${base}/metadata/${version}.targets.json`, bundle.targets],
    [`${base}/targets/kernels/${sha256Of(bundle.manifest)}.${id}.json`, bundle.manifest],
  ];
}

const versionOf = (metadata: Uint8Array): number =>
  Number(/"version":(\d+),"expires"/.exec(Buffer.from(metadata).toString())?.[1]);
