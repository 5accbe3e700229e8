import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MirrorDir } from "../../mirror/mirror_dir.ts";
import { hostBundle } from "../../test/support/commands.ts";
import { kernelNumber, makeRepository } from "../../test/support/edge/many_kernels.ts";
import { Source } from "../../test/support/mirror_source.ts";
import { relayTo } from "./relay.ts";

/*
 * tsx main.ts [KERNELS] [CHANGED]
 *
 * What it costs to keep a copy of a feed: 20,000 kernels, of which 100 change. Ours over HTTP from `mirror serve`, and rsync of
 * the same folder, in one run: at first, after the change, and when nothing changed. Bytes are counted on our sockets, headers
 * included, and are what rsync says of itself. The last line on stdout is JSON.
 */

const KERNELS = Number(process.argv[2] ?? 20_000);
const CHANGED = Number(process.argv[3] ?? 100);
const run = promisify(execFile);
const began = performance.now();
const say = (text: string) =>
  process.stderr.write(`[${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s] ${text}\n`);

const work = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
const [folder, ours, theirs] = [join(work, "source"), join(work, "ours"), join(work, "theirs")];
const rootFile = join(work, "root.json");
const repository = await makeRepository();
await writeFile(rootFile, repository.root);
const source = await Source.make(new MirrorDir(folder), repository);
say(`signing ${KERNELS} kernels`);
const ids = Array.from({ length: KERNELS }, (_, i) => kernelNumber(i + 1));
await source.publish(ids, 1);

const served = spawn(process.execPath, [hostBundle, "mirror", "serve", folder, "--port", "0", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const line = await new Promise<string>((resolve, reject) => {
  served.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
  served.once("exit", (code) => reject(new Error(`mirror serve ended with ${code}`)));
});
const relay = await relayTo(Number(new URL((JSON.parse(line) as { url: string }).url).port));

interface Cost {
  /** On the wire, both ways. */
  readonly bytes: number;
  readonly requests: number | null;
  /** Regular files that are new or were replaced, and what they have in them. */
  readonly files: number;
  readonly stored: number;
  readonly seconds: number;
}

async function sync(): Promise<Cost> {
  const start = performance.now();
  const before = { ...relay.wire };
  const known = await filesOf(ours);
  const args = [
    hostBundle,
    "mirror",
    "sync",
    `http://127.0.0.1:${relay.port}/`,
    ours,
    "--root",
    rootFile,
    "--all",
    "--json",
  ];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
  const { requests } = JSON.parse(stdout) as { requests: number };
  const bytes = relay.wire.up + relay.wire.down - before.up - before.down;
  return { bytes, requests, ...(await replaced(ours, known)), seconds: seconds(start) };
}

async function rsync(): Promise<Cost> {
  const start = performance.now();
  const known = await filesOf(theirs);
  const { stdout } = await run("rsync", ["-a", "--stats", "--exclude=/mirror", `${folder}/`, `${theirs}/`]);
  const count = (name: string) =>
    Number(new RegExp(`^${name}: ([\\d,]+)`, "m").exec(stdout)?.[1]?.replaceAll(",", ""));
  const bytes = count("Total bytes sent") + count("Total bytes received");
  return { bytes, requests: null, ...(await replaced(theirs, known)), seconds: seconds(start) };
}

const seconds = (start: number): number => Math.round((performance.now() - start) / 100) / 10;

/** By path: what a file is known by, and its length. */
async function filesOf(dir: string): Promise<ReadonlyMap<string, readonly [string, number]>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, readonly [string, number]>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith(join(dir, "mirror/"))) continue;
    const { ino, mtimeMs, size } = await stat(path);
    files.set(path, [`${ino} ${mtimeMs}`, size]);
  }
  return files;
}

async function replaced(dir: string, known: Awaited<ReturnType<typeof filesOf>>) {
  const fresh = [...(await filesOf(dir))].filter(([path, [tag]]) => known.get(path)?.[0] !== tag);
  return { files: fresh.length, stored: fresh.reduce((sum, [, [, size]]) => sum + size, 0) };
}

const costs: Record<string, Cost> = {};
async function both(name: string): Promise<void> {
  say(`${name}: rebootless mirror sync`);
  costs[name] = await sync();
  say(`${name}: rsync`);
  costs[`${name}Rsync`] = await rsync();
}
await both("first");
const step = Math.max(1, Math.floor(KERNELS / CHANGED));
await source.publish(
  Array.from({ length: CHANGED }, (_, i) => kernelNumber(1 + i * step)),
  2,
);
await both("changed");
await both("same");
served.kill("SIGTERM");
await relay.close();
await rm(work, { recursive: true });

const out = (text: string) => process.stdout.write(`${text}\n`);
out(`${KERNELS} kernels, ${CHANGED} changed`);
out(
  `${"".padEnd(18)}${["bytes", "requests", "files", "stored", "seconds"].map((name) => name.padStart(12)).join("")}`,
);
for (const [name, cost] of Object.entries(costs)) {
  const cells = [cost.bytes, cost.requests ?? "-", cost.files, cost.stored, cost.seconds];
  out(`${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(12)).join("")}`);
}
const { changed, changedRsync, same, sameRsync, first, firstRsync } = costs;
if (!changed || !changedRsync || !same || !sameRsync || !first || !firstRsync)
  throw new Error("nothing was measured");
out(
  JSON.stringify({
    bench: "mirror",
    kernels: KERNELS,
    changed: CHANGED,
    sync: { bytes: changed.bytes, requests: changed.requests, files: changed.files, stored: changed.stored },
    rsync: { bytes: changedRsync.bytes, files: changedRsync.files, stored: changedRsync.stored },
    bytes_to_rsync: Math.round((changed.bytes / changedRsync.bytes) * 1000) / 1000,
    nothing_new: { bytes: same.bytes, requests: same.requests, rsync_bytes: sameRsync.bytes },
    first: {
      bytes: first.bytes,
      requests: first.requests,
      seconds: first.seconds,
      rsync_bytes: firstRsync.bytes,
    },
  }),
);
