import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BuildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { decodeManifest } from "../../../shared/feed/manifest.ts";
import { manifestBytes, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

let work: string;
let dir: string;
let served: ServedEdge;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-many-"));
  dir = join(work, "feed");
  await mustCli(["init", dir, ...FEED]);
  served = await serveEdge(dir);
});
afterAll(async () => {
  await served.close();
  await rm(work, { recursive: true });
});

interface Summary {
  readonly kernels: number;
  readonly published: number;
  readonly unchanged: number;
  readonly acceptable: number;
  readonly refused: number;
  readonly bytes: number;
  readonly requests: number;
  readonly files: number;
  readonly results: readonly { build_id: string; outcome: string; changes?: string[]; message?: string }[];
}

/** A folder of drafts of one update, each with a module of its own beside one that all share. */
async function folder(name: string, ids: readonly BuildId[], sent = ids): Promise<string> {
  const path = join(work, name);
  await mkdir(join(path, "modules"), { recursive: true });
  for (const id of ids) {
    const own = utf8(`\u007fELF ${name} for ${id}`);
    const updates = [await updateOf(name, own), await updateOf(`${name}-shared`, utf8("\u007fELF shared"))];
    await writeFile(join(path, `${id}.json`), manifestBytes(id, updates));
    if (sent.includes(id)) await writeFile(join(path, "modules", `${id}.ko`), own);
  }
  await writeFile(join(path, "modules", "shared.ko"), utf8("\u007fELF shared"));
  return path;
}
const push = (path: string, ...more: readonly string[]) =>
  cli(["push", dir, path, "--module", join(path, "modules"), "--feed", served.url, "--json", ...more]);
const someIds = (count: number) => Array.from({ length: count }, someBuildId);
const stored = async () =>
  (await served.edge().store.list("")).files.map(({ key, revision }) => `${key} ${revision}`);
const updatesOf = async (id: BuildId) =>
  decodeManifest((await served.edge().publisher.feed(id)).manifest)
    .updates.map((update) => update.id)
    .sort();

describe("pushing drafts for many kernels", () => {
  it("publishes each, and run again sends nothing", async () => {
    const ids = someIds(5);
    const path = await folder("fix-1", ids);
    const first = await push(path);
    expect(first.code).toBe(0);
    expect(jsonOf<Summary>(first)).toMatchObject({ kernels: 5, published: 5, requests: 1, files: 6 });
    for (const id of ids) expect(await updatesOf(id)).toEqual(["fix-1", "fix-1-shared"]);
    const before = await stored();
    const second = jsonOf<Summary>(await push(path));
    expect(second).toMatchObject({ published: 0, unchanged: 5, requests: 0, files: 0, bytes: 0 });
    expect(await stored()).toEqual(before);
  });

  it("shows in a dry run what would change, has the edge judge it, and writes nothing", async () => {
    const ids = someIds(3);
    const path = await folder("fix-2", ids);
    const before = await stored();
    const outcome = await push(path, "--dry-run");
    expect(outcome.code).toBe(0);
    const { acceptable, results } = jsonOf<Summary>(outcome);
    expect([acceptable, results.length]).toEqual([3, 3]);
    expect(results[0]?.changes).toContain("  + update fix-2: Fixes what fix-2 names");
    expect(await stored()).toEqual(before);
    const shown = await cli(["push", dir, join(path, `${ids[0]}.json`), "--feed", served.url, "--dry-run"]);
    expect(shown.stdout).toMatch(new RegExp(`kernel +${ids[0]} .* would have version 1\n`));
    expect(await stored()).toEqual(before);
  });

  it("publishes the others when one is refused, and only that one when it is mended", async () => {
    const ids = someIds(3);
    const path = await folder("fix-3", ids, ids.slice(1));
    const outcome = await push(path);
    expect(outcome.code).toBe(13);
    const { published, refused, results } = jsonOf<Summary>(outcome);
    expect([published, refused]).toEqual([2, 1]);
    expect(results.find(({ build_id }) => build_id === ids[0])?.message).toMatch(/was not staged/);
    await folder("fix-3", ids);
    expect(jsonOf<Summary>(await push(path))).toMatchObject({ published: 1, unchanged: 2, files: 1 });
  });

  it("loses nothing of two pushes at once", async () => {
    const ids = someIds(8);
    const [a, b] = [await folder("fix-a", ids.slice(0, 6)), await folder("fix-b", ids.slice(2))];
    const both = await Promise.all([push(a), push(b)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    for (const id of ids.slice(2, 6)) {
      expect(await updatesOf(id)).toEqual(["fix-a", "fix-a-shared", "fix-b", "fix-b-shared"]);
    }
  });

  it.each<readonly [string, (path: string) => Promise<void>, RegExp]>([
    ["two drafts of one kernel", async (path) => writeTwice(path), /are for the same kernel/],
    [
      "a file that is no draft",
      async (path) => writeFile(join(path, "0.json"), "{}"),
      /0\.json is not a draft/,
    ],
  ])("sends nothing with %s", async (name, spoil, message) => {
    const path = await folder(`spoilt-${name.length}`, someIds(2));
    await spoil(path);
    const before = await stored();
    const outcome = await push(path);
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toMatch(message);
    expect(await stored()).toEqual(before);
  });
});

async function writeTwice(path: string): Promise<void> {
  const id = someBuildId();
  for (const name of ["a.json", "b.json"]) await writeFile(join(path, name), manifestBytes(id, []));
}
