import { chmod, chown, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requireOwnFolders } from "../../node/own_folders.ts";

const SOMEBODY = 1000;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-own-"));
  await mkdir(join(dir, "way/state"), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true }));

const at = (...names: readonly string[]) => join(dir, ...names);
const refusal = (path: string) => {
  try {
    requireOwnFolders([path]);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe("a folder that root relies on", () => {
  it("is fine where root alone controls it and every folder above, /tmp with its sticky bit included", () => {
    expect(refusal(at("way/state"))).toBeUndefined();
  });

  it("need not be there yet", () => {
    expect(refusal(at("way/not/yet"))).toBeUndefined();
  });

  it.each([
    ["belongs to somebody else", "way/state", (path: string) => chown(path, SOMEBODY, SOMEBODY)],
    ["can be written by its group", "way/state", (path: string) => chmod(path, 0o775)],
    ["can be written by everybody", "way/state", (path: string) => chmod(path, 0o757)],
    ["lies in a folder of somebody else", "way", (path: string) => chown(path, SOMEBODY, 0)],
    ["lies in a folder that everybody can write", "way", (path: string) => chmod(path, 0o777)],
    [
      "lies in a folder of somebody else that has the sticky bit",
      "way",
      async (path: string) => {
        await chown(path, SOMEBODY, 0);
        await chmod(path, 0o1777);
      },
    ],
  ])("is refused where it %s", async (_, changed, change) => {
    await change(at(changed));
    expect(refusal(at("way/state"))).toMatchObject({
      code: "config",
      message: expect.stringContaining(at(changed)),
      hint: expect.stringContaining(`chown root:root ${at(changed)}`),
    });
  });

  it("is refused where a link on the way leads through a folder of somebody else", async () => {
    await mkdir(at("his/state"), { recursive: true });
    await chown(at("his"), SOMEBODY, SOMEBODY);
    await symlink(at("his/state"), at("link"));
    expect(refusal(at("link"))).toMatchObject({ message: expect.stringContaining(at("his")) });
  });

  it("is fine through a link of root's to a folder of root's, and refused through a circle of links", async () => {
    await symlink("way/state", at("link"));
    expect(refusal(at("link"))).toBeUndefined();
    await symlink("round", at("round"));
    expect(refusal(at("round"))).toMatchObject({ code: "config" });
  });
});
