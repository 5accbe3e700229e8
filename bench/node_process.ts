import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../test/support/guest/machine.ts";

/** What a process cost. */
export interface Cost {
  readonly wallMs: number;
  /** The time in user and in kernel mode together. */
  readonly cpuMs: number;
  /** The most memory that it had at a time. */
  readonly rssMb: number;
}

const HOOK = join(projectRoot, "test/support/usage.cjs");
/** Without NODE_EXTRA_CA_CERTS, which would make every process that is measured read those certificates too. */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

export interface RunOptions {
  /** A file for stdout. */
  readonly output?: string;
  /** Variables of the environment, beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs node with arguments; throws with its stderr when it fails. */
export async function runNode(args: readonly string[], { output, env = {} }: RunOptions = {}): Promise<Cost> {
  const stdout = output === undefined ? "ignore" : openSync(output, "w");
  const start = performance.now();
  const child = spawn(process.execPath, ["--require", HOOK, ...args], {
    stdio: ["ignore", stdout, "pipe", "pipe"],
    env: { ...ENVIRONMENT, ...env },
  });
  if (typeof stdout === "number") closeSync(stdout);
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
  const { cpuMs, rssMb } = JSON.parse(text[1] ?? "") as { cpuMs: number; rssMb: number };
  return { wallMs, cpuMs, rssMb };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Returns the median of each member over all runs. */
export function medians<T extends object>(runs: readonly T[]): T {
  const [first] = runs;
  if (first === undefined) throw new Error("nothing was run");
  const columns = Object.keys(first) as (keyof T)[];
  const of = (column: keyof T) => median(runs.map((run) => Number(run[column])));
  return Object.fromEntries(columns.map((column) => [column, of(column)])) as T;
}
