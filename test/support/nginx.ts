import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./edge_process.ts";
import { projectRoot } from "./guest/machine.ts";
import type { Server } from "./server.ts";

/** A server block that a document gives, by the comment that stands first in it. */
export interface Block {
  readonly document: string;
  readonly title: string;
}

export const PUBLIC_FILES: Block = { document: "docs/self-hosting.md", title: "Public files alone" };
export const SITE_MIRROR: Block = { document: "docs/mirroring.md", title: "A mirror inside a site" };

/** nginx over a folder of public files, with the very server block that a document gives. One worker. */
export async function nginx(files: string, work: string, block: Block): Promise<Server> {
  const port = await freePort();
  const prefix = join(work, "nginx");
  await mkdir(join(prefix, "logs"), { recursive: true });
  const config = join(prefix, "nginx.conf");
  await writeFile(config, await configuration(files, port, prefix, block));
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

async function configuration(
  files: string,
  port: number,
  prefix: string,
  { document, title }: Block,
): Promise<string> {
  const guide = await readFile(join(projectRoot, document), "utf8");
  const text = new RegExp(`^ {4}# ${title}\\n((?: {4}.*\\n|\\n)+)`, "m").exec(guide)?.[1];
  if (text === undefined) throw new Error(`${document} has no server block "${title}"`);
  const server = text
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
