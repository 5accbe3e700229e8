import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ALARM_TABLE } from "../../edge/health/alarm_table.ts";

const read = (name: string) => readFile(`docs/${name}`, "utf8");

describe("the alarms of a feed", () => {
  it("stand in one table of the documents, each with what it means and what to do", async () => {
    const [, section = ""] = (await read("monitoring.md")).split("\n### Alarms\n");
    const rows = [...section.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
    expect(rows.map(([, ...cells]) => cells)).toEqual(
      Object.entries(ALARM_TABLE).map(([name, { level, meaning, advice }]) => [name, level, meaning, advice]),
    );
  });

  it("are found from everywhere else by a link to that table", async () => {
    for (const name of ["runbook.md", "self-hosting.md"])
      expect(await read(name)).toContain("(monitoring.md#alarms)");
    const others = (await readdir("docs")).filter((name) => name.endsWith(".md") && name !== "monitoring.md");
    for (const name of others) {
      const text = await read(name);
      expect(Object.keys(ALARM_TABLE).filter((alarm) => text.includes(`- \`${alarm}\``))).toEqual([]);
    }
  });

  it("name sections that the runbook has", async () => {
    const runbook = await read("runbook.md");
    const named = Object.values(ALARM_TABLE).flatMap(
      ({ advice }) => advice.match(/(?<=runbook, ").+?(?=")/g) ?? [],
    );
    expect(named.length).toBeGreaterThan(0);
    for (const title of named) expect(runbook).toContain(`\n## ${title}`);
  });
});
