import { connect, createServer, type Socket } from "node:net";

/** What went over a relay: headers and all. */
export interface Wire {
  up: number;
  down: number;
}

export interface Relay {
  readonly port: number;
  readonly wire: Wire;
  close(): Promise<void>;
}

/** Stands before a server and counts what passes. */
export async function relayTo(target: number): Promise<Relay> {
  const wire: Wire = { up: 0, down: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("data", (chunk: Buffer) => {
      wire.up += chunk.length;
    });
    upstream.on("data", (chunk: Buffer) => {
      wire.down += chunk.length;
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    wire,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
