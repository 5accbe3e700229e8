import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { runningKernel } from "../../../client/host/identity.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import type { ProofSite } from "./proof_site.ts";

const run = promisify(execFile);

/**
 * A host's client under strace, which sees every socket that it makes. With a folder it makes none; with a mirror on the network
 * it makes connections to that mirror's address and asks nobody for a name.
 */
export async function watchedSockets(site: ProofSite): Promise<Readonly<Record<string, readonly string[]>>> {
  // The client asks for the kernel that runs here.
  const { buildId } = runningKernel();
  const mirror = site.path("own");
  await site.publishFor(buildId);
  await site.must(
    "mirror",
    "sync",
    site.source,
    mirror,
    "--root",
    site.rootFile,
    "--kernel",
    buildId,
    "--json",
  );
  assert.ok((await readFile(join(mirror, feedPath(buildId)))).length > 0);
  const served = spawn(process.execPath, [site.client, "mirror", "serve", mirror, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const line = await new Promise<string>((resolve) =>
      served.stdout.once("data", (data) => resolve(String(data))),
    );
    const { url } = JSON.parse(line) as { url: string };
    const byFolder = await socketsOf(site, mirror);
    assert.deepEqual(byFolder, []);
    const byMirror = await socketsOf(site, url);
    const port = new URL(url).port;
    assert.ok(byMirror.length > 0, "strace sees no connection at all");
    for (const address of byMirror) assert.equal(address, `127.0.0.1:${port}`);
    return { folder: byFolder, mirror: [...new Set(byMirror)] };
  } finally {
    served.kill("SIGTERM");
  }
}

/** Every address of the Internet's families that a run connects or sends to. */
async function socketsOf(site: ProofSite, feed: string): Promise<readonly string[]> {
  const work = site.path("watched");
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  const places = [
    "--config-dir",
    join(work, "etc"),
    "--state-dir",
    join(work, "state"),
    "--run-dir",
    join(work, "run"),
  ];
  await site.must(...places, "init", "--feed", feed, "--root", site.rootFile);
  const trace = join(work, "trace");
  const strace = [
    "-ff",
    "-o",
    trace,
    "-e",
    "trace=network",
    process.execPath,
    site.client,
    ...places,
    "check",
  ];
  await run("strace", strace, { timeout: 120_000 });
  const files = (await readdir(work)).filter((name) => name.startsWith("trace"));
  const text = (await Promise.all(files.map((name) => readFile(join(work, name), "utf8")))).join("\n");
  assert.match(text, /exited with 0/);
  const addresses = text.split("\n").flatMap((line) => {
    if (!/^(?:connect|sendto|sendmsg|bind)\(/.test(line) || !/AF_INET/.test(line)) return [];
    const [, port] = /sin6?_port=htons\((\d+)\)/.exec(line) ?? [];
    const [, address] = /inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"/.exec(line) ?? [];
    return [`${address}:${port}`];
  });
  if (/socket\(AF_INET/.test(text) && addresses.length === 0)
    return ["a socket of the Internet's without an address"];
  return addresses;
}
