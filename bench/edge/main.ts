import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { feedPath } from "../../shared/feed/paths.ts";
import { type Answer, answerOf, type Send, TestPublisher } from "../../test/support/edge/edge.ts";
import {
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../../test/support/edge/repository.ts";
import { nginx, PUBLIC_FILES } from "../../test/support/nginx.ts";
import type { Server } from "../../test/support/server.ts";
import { medians } from "../node_process.ts";
import { type Load, load } from "./load.ts";
import { checkStatic, writePublic } from "./static.ts";
import { constantWorker, edgeWorker, type Workerd } from "./workerd.ts";

/*
 * npm run bench:edge [-- ROUNDS [SECONDS]]
 *
 * Measures what a poll costs the edge: feed.json of one kernel, unchanged (304) and whole (200), from the edge in
 * workerd. Beside it are the same workerd with a Worker that answers any request with the same bytes, and nginx with the
 * same file. wrk sends requests to each in turn. Prints a table; the last line is JSON.
 */

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 2);
const MODULE = new Uint8Array(1000).map((_, i) => i % 251);

const id = someBuildId();
const path = `/${feedPath(id)}`;

async function publishOne(edge: Workerd, made: Awaited<ReturnType<typeof ceremony>>): Promise<Send> {
  const send: Send = async (method, at, init = {}) =>
    answerOf(
      await fetch(edge.url + at, { method, headers: { ...init.headers }, body: init.body?.slice() ?? null }),
    );
  const publisher = new TestPublisher(made, send);
  const updates = await Promise.all(["net-1", "ext4-2", "tls-3"].map((name) => updateOf(name, MODULE)));
  const manifest = manifestBytes(id, updates);
  await publisher.stage(MODULE);
  const answer = await publisher.publish({
    buildId: id,
    base: 0,
    manifest,
    targets: await signedTargets(made, id, manifest),
  });
  if (answer.status !== 201) throw new Error(`the edge refused the publish: ${answer.status}`);
  return send;
}

const constantOf = ({ status, headers, bytes }: Answer) => {
  const own = ["connection", "date", "keep-alive", "transfer-encoding", "content-length"];
  const kept = Object.fromEntries([...headers].filter(([name]) => !own.includes(name)));
  return constantWorker(status, kept, status === 304 ? null : new TextDecoder().decode(bytes));
};

const etagOf = ({ headers }: Answer): string => headers.get("etag") ?? "";
const ask = (etag: string): readonly string[] => [`If-None-Match: ${etag}`];

interface Case {
  readonly server: Server;
  readonly headers: readonly string[];
}
type Column = "floor" | "edge" | "nginx";
type Row = Readonly<Record<Column, Case>>;

async function measure(row: Row): Promise<Readonly<Record<Column, Load>>> {
  const runs: Record<Column, Load[]> = { floor: [], edge: [], nginx: [] };
  const columns = Object.keys(runs) as Column[];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const column of columns) {
      const { server, headers } = row[column];
      const one = await load(server, path, SECONDS, headers);
      if (round > 0) runs[column].push(one);
    }
  }
  return { floor: medians(runs.floor), edge: medians(runs.edge), nginx: medians(runs.nginx) };
}

const out = (text: string): void => void process.stdout.write(`${text}\n`);
const round = (n: number): number => Math.round(n * 100) / 100;
const cell = (value: number | string): string => String(value).padStart(14);

function report(name: string, { floor, edge, nginx: static_ }: Readonly<Record<Column, Load>>): object {
  const ratios = {
    cpu_to_floor: round(edge.cpuUs / floor.cpuUs),
    requests_to_floor: round(edge.perSecond / floor.perSecond),
    cpu_to_nginx: round(edge.cpuUs / static_.cpuUs),
    requests_to_nginx: round(edge.perSecond / static_.perSecond),
  };
  for (const [who, one] of [
    ["floor", floor],
    ["edge", edge],
    ["nginx", static_],
  ] as const) {
    out(
      `${`${name} ${who}`.padEnd(14)}${cell(Math.round(one.perSecond))}${cell(one.cpuUs.toFixed(1))}${cell(round(one.cpuUs / floor.cpuUs))}`,
    );
  }
  return { cpu_us: round(edge.cpuUs), floor_cpu_us: round(floor.cpuUs), ...ratios };
}

async function main(work: string, cleanup: (() => Promise<void>)[]): Promise<void> {
  const begin = async <S extends Server>(starting: Promise<S>): Promise<S> => {
    const server = await starting;
    cleanup.push(() => server.stop());
    return server;
  };
  const made = await ceremony();
  const edge = await begin(edgeWorker(secrets(made)));
  const send = await publishOne(edge, made);
  const whole = await send("GET", path);
  const same = await send("GET", path, { headers: { "If-None-Match": etagOf(whole) } });
  if (whole.status !== 200 || same.status !== 304) throw new Error(`${whole.status} and ${same.status}`);
  const floor200 = await begin(constantOf(whole));
  const floor304 = await begin(constantOf(same));

  const folder = join(work, "files");
  await writePublic(folder, id, whole.bytes, MODULE);
  const files = await begin(nginx(folder, work, PUBLIC_FILES));
  await checkStatic(files.url, id, whole.bytes, MODULE);
  const theirs = (await fetch(files.url + path)).headers.get("etag") ?? "";

  out(
    `feed.json of ${whole.bytes.length} bytes; medians of ${ROUNDS} rounds of ${SECONDS} s, 32 connections`,
  );
  out(`${"".padEnd(14)}${["requests/s", "CPU us", "CPU/floor"].map(cell).join("")}`);
  const unchanged = await measure({
    floor: { server: floor304, headers: ask(etagOf(whole)) },
    edge: { server: edge, headers: ask(etagOf(whole)) },
    nginx: { server: files, headers: ask(theirs) },
  });
  const changed = await measure({
    floor: { server: floor200, headers: [] },
    edge: { server: edge, headers: [] },
    nginx: { server: files, headers: [] },
  });
  const results = { unchanged: report("304", unchanged), whole: report("200", changed) };
  out(JSON.stringify({ bench: "edge", bytes: whole.bytes.length, ...results }));
}

const work = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
const cleanup: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
try {
  await main(work, cleanup);
} finally {
  for (const end of cleanup.reverse()) await end();
}
