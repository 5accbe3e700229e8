import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const documents = [
  "README.md",
  "ARCHITECTURE.md",
  "SECURITY.md",
  ...(await readdir("docs")).filter((name) => name.endsWith(".md")).map((name) => join("docs", name)),
];

/** As a forge makes an anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchors = async (path: string) =>
  [...(await readFile(path, "utf8")).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));

describe("the documents", () => {
  it.each(documents)("%s links to what is there", async (path) => {
    const text = await readFile(path, "utf8");
    for (const [, target = "", anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g)) {
      const file = target === "" ? path : join(dirname(path), target);
      await expect(access(file), `${path} -> ${target}`).resolves.toBeUndefined();
      if (anchor !== undefined)
        expect(await anchors(file), `${path} -> ${target}#${anchor}`).toContain(anchor);
    }
  });
});
