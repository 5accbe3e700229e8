import { spawn } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../test/guest/machine.ts";
import type { BenchServer, Wire } from "./server.ts";

/** One run of one process. Times in milliseconds. */
export interface Run extends Wire {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

const HOOK = join(projectRoot, "bench/poll/usage.cjs");

/** Runs node with arguments; throws with its stderr when it fails. */
export async function measure(args: readonly string[], server: BenchServer): Promise<Run> {
  const before = { ...server.wire };
  const start = performance.now();
  const child = spawn(process.execPath, ["--require", HOOK, ...args], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const text = ["", ""];
  for (const [i, fd] of [2, 3].entries()) {
    child.stdio[fd]?.on("data", (chunk: Buffer) => {
      text[i] += chunk.toString();
    });
  }
  const exit = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  const closed = new Promise((resolve) => child.once("close", resolve));
  const code = await exit;
  const wallMs = performance.now() - start;
  await closed;
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${text[0]}`);
  await settled(server, before);
  const { cpuMs, rssMb } = JSON.parse(text[1] ?? "") as { cpuMs: number; rssMb: number };
  const { requests, up, down } = server.wire;
  return {
    wallMs,
    cpuMs,
    rssMb,
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

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The median of each column. */
export function summary(runs: readonly Run[]): Run {
  const of = (column: keyof Run) => median(runs.map((run) => run[column]));
  return {
    wallMs: of("wallMs"),
    cpuMs: of("cpuMs"),
    rssMb: of("rssMb"),
    requests: of("requests"),
    up: of("up"),
    down: of("down"),
  };
}
