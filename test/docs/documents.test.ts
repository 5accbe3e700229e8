import { access, readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

const documents = [
  ...(await readdir(".")),
  ...(await readdir("docs", { recursive: true })).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));

const MAX_ARCHITECTURE_LINES = 150;
const MAX_COLUMNS = 100;
/** A row of a table cannot be wrapped. */
const isRow = (line: string): boolean => line.startsWith("|");

describe("the documents", () => {
  it("are some", () => {
    expect(documents).toContain("README.md");
    expect(documents).toContain("docs/design/trust.md");
  });

  it.each(documents)("%s names files of the code that are there", async (path) => {
    const text = await readFile(path, "utf8");
    const rooms = "client|mirror|node|publisher|edge|shared|packaging|tools|test|bench";
    const named = text.matchAll(
      new RegExp(`(?<![\\w/.])(?:${rooms})/[\\w./-]*\\.(?:ts|mjs|spec|service)\\b`, "g"),
    );
    for (const [name] of named) await expect(access(name), `${path} names ${name}`).resolves.toBeUndefined();
  });

  it.each(documents)("%s fits a page", async (path) => {
    const lines = (await readFile(path, "utf8")).split("\n");
    expect(lines.filter((line) => line.length > MAX_COLUMNS && !isRow(line))).toEqual([]);
  });

  it("ARCHITECTURE.md stays short", async () => {
    const lines = (await readFile("ARCHITECTURE.md", "utf8")).split("\n").filter((line) => line !== "");
    expect(lines.length).toBeLessThanOrEqual(MAX_ARCHITECTURE_LINES);
  });
});
