import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { RebootlessError } from "../../../shared/errors.ts";

async function tryConnect(path: string): Promise<Socket> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Connects to a unix socket that may not exist yet. @throws RebootlessError `io` if it does not exist in time. */
export async function connectUnix(path: string, timeoutMs: number): Promise<Socket> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await tryConnect(path);
    } catch (cause) {
      if (Date.now() >= deadline) throw new RebootlessError("io", `nobody listens at ${path}`, { cause });
      await sleep(20);
    }
  }
}
