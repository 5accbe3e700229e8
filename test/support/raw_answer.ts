import { createServer } from "node:net";

/** A server that gives every request this answer, byte for byte: what node:http would not send. */
export async function rawAnswer(head: string, body: string) {
  const bytes = Buffer.from(body);
  const answer = Buffer.concat([Buffer.from(`${head}\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/`, close: () => void server.close() };
}
