import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";
import { startWorkerd } from "../../test/support/edge/edge.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";

/** An edge to publish to. */
export interface Edge {
  readonly url: string;
  /** Returns the CPU time used so far, in milliseconds, that of its storage included. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts `rebootless-publish serve` with a folder. */
export async function serveCommand(data: string, vars: string): Promise<Edge> {
  const program = join(projectRoot, "dist/rebootless-publish.cjs");
  const args = [program, "serve", "--data", data, "--vars", vars, "--port", "0"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "exit");
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url === undefined) continue;
    return {
      url,
      cpuMs: () => cpuOf(Number(child.pid)),
      stop: async () => {
        child.kill("SIGTERM");
        await ended;
      },
    };
  }
  throw new Error("serve ended before it served");
}

/** Starts the Worker in workerd, with miniflare's R2 and Durable Objects on the disk. */
export async function workerd(persist: string, vars: string): Promise<Edge> {
  const bindings = parseEnv(await readFile(vars, "utf8"));
  const { miniflare } = await startWorkerd(bindings as Record<string, string>, { state: persist });
  const url = await miniflare.ready;
  const children = await childrenOf(process.pid, "workerd");
  return {
    url: url.href,
    cpuMs: async () => (await Promise.all(children.map(cpuOf))).reduce((sum, ms) => sum + ms, 0),
    stop: () => miniflare.dispose(),
  };
}

/** Reads the user and system time of a process and its threads (proc(5)), in hundredths of a second. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function childrenOf(parent: number, name: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const ours = new RegExp(`\\(${name}\\) \\S ${parent} `).test(stat);
    if (ours) found.push(Number(pid));
  }
  return found;
}
