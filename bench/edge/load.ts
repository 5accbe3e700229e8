import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Server } from "../../test/support/server.ts";

/** What a server did under load. */
export interface Load {
  readonly perSecond: number;
  /** The CPU time of a request in microseconds: of all threads of the server's processes, user and system. */
  readonly cpuUs: number;
}

const run = promisify(execFile);
/** The ticks a second of /proc/PID/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;
const CONNECTIONS = 32;

/**
 * Sends requests as fast as one thread of wrk can, over connections that stay open. Throws when an answer was an error,
 * which wrk counts from status 400 on.
 */
export async function load(
  { url, pids, name }: Server,
  path: string,
  seconds: number,
  headers: readonly string[],
): Promise<Load> {
  const before = await cpuTicks(pids);
  const { stdout } = await run("wrk", [
    "-t1",
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    ...headers.flatMap((header) => ["-H", header]),
    url + path,
  ]);
  const ticks = (await cpuTicks(pids)) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const perSecond = Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1] ?? 0);
  if (requests === 0 || /Non-2xx or 3xx|Socket errors/.test(stdout)) throw new Error(`${name}:\n${stdout}`);
  return { perSecond, cpuUs: (ticks * TICK_US) / requests };
}

async function cpuTicks(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]); // utime and stime, proc(5)
  }
  return ticks;
}
