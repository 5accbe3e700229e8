import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linkTree } from "../../../../publisher/create/source/linked_tree.ts";

describe("a tree of links", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-links-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("leads to every file of the source, by names that are short however deep the source lies", () => {
    const root = join(folder, "a-long-name-".repeat(10), "linux");
    const folders = ["fs", "fs/proc", "empty"];
    const files = ["Makefile", "fs/namei.c", "fs/proc/version.c"];
    for (const path of folders) mkdirSync(join(root, path), { recursive: true });
    for (const path of files) writeFileSync(join(root, path), `the content of ${path}`);
    const tree = join(folder, "tree");
    linkTree({ root, folders, files, identity: "" }, tree, join(folder, "folders"));
    expect(files.map((path) => readFileSync(join(tree, path), "utf8"))).toEqual(
      files.map((path) => `the content of ${path}`),
    );
    expect(files.map((path) => readlinkSync(join(tree, path)))).toEqual([
      "../folders/0/Makefile",
      "../../folders/1/namei.c",
      "../../../folders/2/version.c",
    ]);
  });
});
