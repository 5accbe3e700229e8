import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { geteuid } from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CodeCache, codeCache } from "../../../client/start/code_cache.ts";

const TEXT = Buffer.from("the program");
const CODE = Buffer.from("what V8 made of it");
const me = geteuid?.() ?? 0;

let dir: string;
let folder: string;
let cache: CodeCache;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-code-"));
  folder = join(dir, "cache");
  cache = codeCache(TEXT, folder, me);
});
afterEach(() => rm(dir, { recursive: true }));

const only = async () => {
  const [name = "", ...more] = await readdir(folder);
  expect(more).toEqual([]);
  return join(folder, name);
};

describe("compiled code", () => {
  it("is there for the next run of the same text, and no other's", async () => {
    expect(cache.read()).toBeUndefined();
    cache.write(CODE);
    expect(codeCache(TEXT, folder, me).read()).toEqual(CODE);
    expect(codeCache(Buffer.from("the progran"), folder, me).read()).toBeUndefined();
    expect((await stat(await only())).mode & 0o777).toBe(0o644);
  });

  it("takes the place of what was kept for another text", async () => {
    codeCache(Buffer.from("an older program"), folder, me).write(CODE);
    cache.write(CODE);
    await only();
    expect(cache.read()).toEqual(CODE);
  });

  it.each([
    ["was cut short", async (file: string) => writeFile(file, (await readFile(file)).subarray(0, 40))],
    ["is empty", (file: string) => writeFile(file, "")],
    ["has one byte changed", async (file: string) => writeFile(file, (await readFile(file)).fill(0, 40, 41))],
    ["others can write", (file: string) => chmod(file, 0o666)],
    ["its group can write", (file: string) => chmod(file, 0o664)],
    [
      "is a link",
      async (file: string) => {
        await rename(file, join(dir, "elsewhere"));
        await symlink(join(dir, "elsewhere"), file);
      },
    ],
    ["lies where others can write", () => chmod(folder, 0o777)],
  ])("is not run when it %s", async (_, spoil) => {
    cache.write(CODE);
    await spoil(await only());
    expect(cache.read()).toBeUndefined();
  });

  it("is not run when it is not root's", () => {
    cache.write(CODE);
    expect(codeCache(TEXT, folder, me + 1).read()).toBeUndefined();
  });

  it("is not written where others can write, and a folder that cannot be made harms nobody", async () => {
    cache.write(CODE);
    await rm(await only());
    await chmod(folder, 0o777);
    cache.write(CODE);
    expect(await readdir(folder)).toEqual([]);
    const nowhere = codeCache(TEXT, join(import.meta.filename, "folder"), me);
    nowhere.write(CODE);
    expect(nowhere.read()).toBeUndefined();
  });
});
