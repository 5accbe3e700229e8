import { createServer, type Server } from "node:http";

/** A feed on loopback that passes on what another feed has, or what a test makes of it. */
export interface HostileMirror {
  readonly port: number;
  /** Given each path that was found and its body; what it returns is served. */
  tamper: (path: string, body: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** Paths asked for, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

export const honest: HostileMirror["tamper"] = (_path, body) => body;

/** @param upstream base of the real feed, with a slash at its end. */
export async function hostileMirror(upstream: string): Promise<HostileMirror> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url?.slice(1) ?? "";
    asked.push(path);
    const tag = request.headers["if-none-match"];
    const answer = await fetch(new URL(path, upstream), tag ? { headers: { "if-none-match": tag } } : {});
    const body = new Uint8Array(await answer.arrayBuffer());
    const etag = answer.headers.get("etag");
    response.writeHead(answer.status, etag ? { etag } : {});
    response.end(answer.status === 200 ? await mirror.tamper(path, body) : body);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const mirror: HostileMirror = { port: portOf(server), tamper: honest, asked, close: () => close(server) };
  return mirror;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The same bytes but for one bit. */
export function flipBit(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const flipped = new Uint8Array(bytes); // slice() of a Buffer would be the same memory
  const byte = flipped[at];
  if (byte === undefined) throw new Error(`no byte ${at}`);
  flipped[at] = byte ^ (1 << bit);
  return flipped;
}
