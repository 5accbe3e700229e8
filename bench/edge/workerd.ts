import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Miniflare, type WorkerOptions } from "miniflare";
import { EDGE_WORKER } from "../../test/support/edge/edge.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import type { Server } from "../../test/support/server.ts";

/** A Worker in a workerd of its own, reached through a socket with nothing in front of it. */
export interface Workerd extends Server {
  readonly miniflare: Miniflare;
}

/** Starts the edge as it is built and deployed, with a simulated R2 and real Durable Objects in the same process. */
export async function edgeWorker(bindings: Readonly<Record<string, string>>): Promise<Workerd> {
  return start("edge", {
    modules: [{ type: "ESModule", path: "worker.js", contents: await builtWorker() }],
    bindings: { ...bindings },
    ...EDGE_WORKER,
  });
}

const builtWorker = (): Promise<string> => readFile(join(projectRoot, "dist/edge/worker.js"), "utf8");

/** Starts a Worker that answers any request with the same headers and bytes, which shows what workerd itself costs. */
export function constantWorker(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | null,
): Promise<Workerd> {
  const script = `
    const body = ${body === null ? "null" : `new TextEncoder().encode(${JSON.stringify(body)})`};
    const init = ${JSON.stringify({ status, headers })};
    export default { fetch: () => new Response(body, init) };`;
  return start(`constant ${status}`, {
    modules: [{ type: "ESModule", path: "worker.js", contents: script }],
  });
}

async function start(name: string, options: Partial<WorkerOptions>): Promise<Workerd> {
  const before = new Set(await workerds());
  const miniflare = new Miniflare({
    cf: false,
    compatibilityDate: "2026-04-01",
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    ...options,
  } as ConstructorParameters<typeof Miniflare>[0]);
  await miniflare.ready;
  const pids = (await workerds()).filter((pid) => !before.has(pid));
  if (pids.length !== 1) throw new Error(`${name}: ${pids.length} new processes of workerd`);
  return {
    name,
    url: (await miniflare.unsafeGetDirectURL()).origin,
    pids,
    miniflare,
    stop: () => miniflare.dispose(),
  };
}

/** Returns the ids of child processes of that name. */
async function workerds(): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const [, comm, parent] = /^\d+ \((.*)\) \S (\d+) /.exec(stat) ?? [];
    if (comm?.startsWith("workerd") && Number(parent) === process.pid) found.push(Number(name));
  }
  return found;
}
