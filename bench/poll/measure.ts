import { type Cost, type RunOptions, runNode } from "../node_process.ts";
import type { BenchServer, Wire } from "./server.ts";

/** What one run of one process cost. */
export type Run = Cost & Wire;

/** Runs node with arguments; throws with its stderr when it fails. */
export async function measure(
  server: BenchServer,
  args: readonly string[],
  options?: RunOptions,
): Promise<Run> {
  const before = { ...server.wire };
  const cost = await runNode(args, options);
  await settled(server);
  const { requests, up, down } = server.wire;
  return {
    ...cost,
    requests: requests - before.requests,
    up: up - before.up,
    down: down - before.down,
  };
}

/** Waits until the server has counted: its end of a socket closes a moment after the client's. */
async function settled(server: BenchServer): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (server.open() === 0) return;
  }
  throw new Error("a socket stayed open after its client had ended");
}
