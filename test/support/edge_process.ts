import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "./guest/machine.ts";

/** The real Worker in workerd, started by wrangler, with local R2 and Durable Objects. */
export interface EdgeProcess {
  readonly port: number;
  /** With a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

const READY_MS = 90_000;
const STOP_MS = 10_000;

/**
 * @param vars file of the edge's secrets, as `rebootless-publish init` writes it.
 * @param wanted port; any that is free if nothing is said.
 */
export async function startEdge(vars: string, wanted?: number): Promise<EdgeProcess> {
  const state = await mkdtemp(join(tmpdir(), "rebootless-edge-"));
  const port = wanted ?? (await freePort());
  const url = `http://127.0.0.1:${port}/`;
  let output = "";
  const child = spawn(process.execPath, wranglerArgs(port, state, vars), {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CI: "true", // no questions
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_LOG_PATH: join(state, "log"),
    },
  });
  const keep = (chunk: Buffer) => {
    output = (output + chunk).slice(-8192);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const onExit = () => void child.kill("SIGTERM");
  process.once("exit", onExit);
  const stop = async () => {
    process.off("exit", onExit);
    await end(child);
    await rm(state, { recursive: true, force: true });
  };
  if (await answers(child, `${url}health`)) return { port, url, stop };
  await stop();
  throw new Error(`the edge did not start; it said:\n${output}`);
}

function wranglerArgs(port: number, state: string, vars: string): string[] {
  const options = ["--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  const places = ["--persist-to", state, "--env-file", vars];
  return [join(projectRoot, "node_modules/wrangler/bin/wrangler.js"), "dev", ...options, ...places];
}

async function answers(child: ChildProcess, health: string): Promise<boolean> {
  for (const start = performance.now(); performance.now() - start < READY_MS; await sleep(200)) {
    if (child.exitCode !== null) return false;
    const response = await fetch(health).catch(() => undefined);
    if (response?.ok) return true;
  }
  return false;
}

/** wrangler passes SIGTERM on to workerd; killed outright it would leave it behind. */
async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  for (let waited = 0; child.exitCode === null && child.signalCode === null; waited += 100) {
    if (waited > STOP_MS) child.kill("SIGKILL");
    await sleep(100);
  }
}

/** @param wanted one that must be free; otherwise any. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
