import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "../../test/guest/machine.ts";
import { freePort } from "../../test/support/edge_process.ts";
import type { Server } from "./server.ts";

/** nginx over a folder of public files, with the very server block that docs/self-hosting.md gives. One worker. */
export async function nginx(files: string, work: string): Promise<Server> {
  const port = await freePort();
  const prefix = join(work, "nginx");
  await mkdir(join(prefix, "logs"), { recursive: true });
  const config = join(prefix, "nginx.conf");
  await writeFile(config, await configuration(files, port, prefix));
  const child = spawn("nginx", ["-e", "stderr", "-p", prefix, "-c", config], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  await answering(child, url);
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  const pids = children.trim().split(" ").map(Number);
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { name: "nginx", url, pids, stop };
}

async function configuration(files: string, port: number, prefix: string): Promise<string> {
  const guide = await readFile(join(projectRoot, "docs/self-hosting.md"), "utf8");
  const block = /^ {4}# Public files alone\n((?: {4}.*\n|\n)+)/m.exec(guide)?.[1];
  if (block === undefined) throw new Error("docs/self-hosting.md has no server block for public files");
  const server = block
    .replace(/^ *listen .*$/gm, `listen 127.0.0.1:${port};`)
    .replace(/^ *ssl_.*\n/gm, "")
    .replace(/root [^;]+;/, `root ${files};`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    ${process.geteuid?.() === 0 ? "user root;" : ""}
    worker_processes 1;
    daemon off;
    pid ${prefix}/pid;
    events {}
    http {
      access_log off;
      error_log stderr crit;
      keepalive_requests 1000000;
      ${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join(" ")}
      ${server}
    }`;
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    if (await fetch(url).catch(() => undefined)) return;
    await sleep(50);
  }
  throw new Error("nginx did not answer");
}
