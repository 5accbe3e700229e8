import { type Cost, runNode } from "../node_process.ts";
import type { BenchServer, Wire } from "./server.ts";

/** One run of one process. */
export type Run = Cost & Wire;

/** Runs node with arguments; throws with its stderr when it fails. */
export async function measure(args: readonly string[], server: BenchServer): Promise<Run> {
  const before = { ...server.wire };
  const cost = await runNode(args);
  await settled(server, before);
  const { requests, up, down } = server.wire;
  return {
    ...cost,
    requests: requests - before.requests,
    up: up - before.up,
    down: down - before.down,
  };
}

/** The server counts when a socket closes, a moment after the client's end of it did. */
async function settled(server: BenchServer, before: Wire): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (server.open() === 0) return;
  }
  throw new Error(`a socket stayed open after ${server.wire.requests - before.requests} requests`);
}
