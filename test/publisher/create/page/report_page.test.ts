import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ShownLine } from "../../../../publisher/create/page/compared_functions.ts";
import { foldRows } from "../../../../publisher/create/page/function_view.tsx";
import { keptParts } from "../../../../publisher/create/page/kept_parts.ts";
import { reportPage } from "../../../../publisher/create/page/report_page.tsx";
import { patchLines } from "../../../../publisher/create/page/shown_text.ts";
import type { SideBySide } from "../../../../publisher/create/page/side_by_side.ts";
import { HOSTILE, pageContent } from "./page_content.ts";

describe("the report as a page", () => {
  const page = reportPage(pageContent());

  it("has no script, no event handler and no address", () => {
    const tags = page.replaceAll(/"[^"]*"/g, '""');
    expect(tags).not.toMatch(/<script|<iframe|<img|<[^>]*\son\w+=/i);
    expect(page).not.toMatch(/javascript:|https?:/i);
  });

  it("escapes whatever a patch, a symbol or a compiler says", () => {
    expect(page).not.toContain(HOSTILE);
    expect(page.match(/&lt;img src=x onerror=alert\(1\)&gt;/g)?.length).toBeGreaterThan(8);
    expect(page).not.toContain("\u202e");
    expect(page).toContain("\\u202e");
  });

  it("allows its own style alone", () => {
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? "";
    const digest = createHash("sha256").update(style).digest("base64");
    expect(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]).toBe(
      `default-src &#39;none&#39;; style-src &#39;sha256-${digest}&#39;; img-src data:; form-action &#39;none&#39;; base-uri &#39;none&#39;`,
    );
    expect(page).not.toContain("style=");
  });

  it("says what changed, what was kept and what is refused with advice", () => {
    for (const text of ["cannot be applied", "initial value", "Leave it as it is", "static keys", "a_key"])
      expect(page).toContain(text);
  });
});

describe("the lines of a patch", () => {
  it("are told apart by the lengths of hunks, and not by their first characters alone", () => {
    const text = [
      "Subject: more",
      "- a point of the message",
      "---",
      " a.c | 2 +-",
      "--- a/a.c",
      "+++ b/a.c",
      "@@ -1,2 +1,2 @@ f()",
      "--- x;",
      "+++ y;",
      " z",
      "-- ",
      "2.39",
      "",
    ].join("\n");
    expect(
      patchLines(text)
        .map(({ kind }) => kind)
        .join(" "),
    ).toBe("plain plain plain plain file file head cut add plain plain plain");
  });

  it("are UTF-8, and keep their tabs", () => {
    const [line] = patchLines(Buffer.from("\tGrüße\u202e").toString("latin1"));
    expect(line?.text).toBe("\tGrüße\\u202e");
  });
});

describe("equal instructions", () => {
  const row = (isSame: boolean): SideBySide<ShownLine> => ({ isSame });
  it("are folded, but for those around a difference", () => {
    const rows = [...Array(10).fill(row(true)), row(false), ...Array(2).fill(row(true))];
    expect(foldRows(rows).map(({ isFolded, rows: some }) => [isFolded, some.length])).toEqual([
      [true, 7],
      [false, 6],
    ]);
  });
});

describe("what new code keeps", () => {
  it("is read from the tables of the update", () => {
    const section = (name: string, names: readonly string[], text = "") => ({
      name,
      type: 1,
      flags: 0n,
      align: 1,
      entrySize: 0,
      size: text.length,
      bytes: Buffer.from(text),
      relocations: names.map((target) => ({
        offset: 0,
        type: 1,
        addend: 0n,
        target: { kind: "export" as const, name: target, crc: 1 },
      })),
    });
    const sections = [
      section("__jump_table", ["a_key", "__tracepoint_sched_switch", "a_key"]),
      section(".static_call_sites", ["__SCK__might_resched", "__SCK__tp_func_sched_switch"]),
      section(".rodata.str1.1", [], "one\0two\0"),
      section(".text.f", ["kfree"]),
    ];
    expect(keptParts({ sections } as unknown as Parameters<typeof keptParts>[0])).toEqual([
      { what: "static keys", names: ["a_key"] },
      { what: "tracepoints", names: ["sched_switch"] },
      { what: "static calls", names: ["might_resched"] },
      { what: "strings", names: ['"one"', '"two"'] },
    ]);
  });
});
