import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { folderLock } from "../../../../node/lock.ts";
import { pruneTrees } from "../../../../publisher/create/source/prepared_trees.ts";

describe("prepared trees", () => {
  let trees = "";
  beforeEach(() => {
    trees = mkdtempSync(join(tmpdir(), "rebootless-trees-"));
  });
  afterEach(() => rmSync(trees, { recursive: true }));

  /** A tree that was last used so many days ago, or one that is not ready. */
  function put(name: string, days: number | undefined): string {
    const folder = join(trees, name);
    mkdirSync(join(folder, "tree"), { recursive: true });
    writeFileSync(join(folder, "lock"), "");
    if (days === undefined) return folder;
    const time = new Date(Date.now() - days * 86_400_000);
    writeFileSync(join(folder, "ready.json"), "{}");
    utimesSync(join(folder, "ready.json"), time, time);
    return folder;
  }

  const left = (): readonly string[] =>
    readdirSync(trees)
      .filter((name) => readdirSync(join(trees, name)).join() !== "lock")
      .sort();

  it("are removed when there are four that were used later, and when their preparation failed", async () => {
    for (const days of [5, 1, 4, 2, 3]) put(`used-${days}`, days);
    put("failed", undefined);
    const own = put("own", 9);
    await pruneTrees(trees, own, 4);
    expect(left()).toEqual(["own", "used-1", "used-2", "used-3"]);
  });

  it("stay while another run holds them", async () => {
    for (const days of [1, 2, 3]) put(`used-${days}`, days);
    const held = [put("preparing", undefined), put("old", 99)].map((folder) => folderLock(folder));
    for (const lock of held) await lock.take();
    const own = put("own", 0);
    await pruneTrees(trees, own, 4);
    expect(left()).toEqual(["old", "own", "preparing", "used-1", "used-2", "used-3"]);
    for (const lock of held) lock.release();
    await pruneTrees(trees, own, 4);
    expect(left()).toEqual(["own", "used-1", "used-2", "used-3"]);
  });
});
