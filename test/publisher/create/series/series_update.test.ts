import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { THIS_MACHINE } from "../../../../publisher/create/builder/build_place.ts";
import { changeRefusal } from "../../../../publisher/create/diff/refusal.ts";
import type { UnitDifference } from "../../../../publisher/create/difference.ts";
import { fixOf } from "../../../../publisher/create/series/fix.ts";
import { liveCves } from "../../../../publisher/create/series/outcomes.ts";
import { seriesText } from "../../../../publisher/create/series/series_text.ts";
import { seriesUpdate } from "../../../../publisher/create/series/series_update.ts";
import { openHeaders } from "../../../../publisher/create/source/headers.ts";
import { objectCache } from "../../../../publisher/create/source/object_cache.ts";
import { openSource } from "../../../../publisher/create/source/source_tree.ts";
import { openWorkspace } from "../../../../publisher/create/source/workspace.ts";
import type { UnitComparer } from "../../../../publisher/create/unit_comparer.ts";
import type { UnitPair } from "../../../../publisher/create/unit_pair.ts";
import { makeToyKernel, patchOf, TOY_RELEASE, type ToyKernel } from "../source/toy_kernel.ts";

/** What a made-up kernel thinks of a unit: it refuses code with "refused", and knows init code by "__init". */
function judged({ source, object, sourceAfter }: UnitPair): UnitDifference {
  const isInit = sourceAfter.includes("__init");
  const report = {
    changed: isInit ? [] : ["f"],
    added: [],
    dropped: [],
    unused: [],
    initOnly: isInit ? ["f"] : [],
    notes: [],
  };
  if (sourceAfter.includes("refused"))
    return { kind: "refused", refusals: [changeRefusal("changed_data", "datum", "it is refused")], report };
  if (isInit) return { kind: "unchanged", report };
  const patch = { source, object, sections: [], symbols: [], replaces: [], importNamespaces: [] };
  return { kind: "patch", patch, shared: [], given: new Map(), report };
}

describe("an update of a series", { timeout: 300_000 }, () => {
  let toy: ToyKernel;
  beforeAll(() => {
    toy = makeToyKernel();
  });
  afterAll(() => toy.remove());

  const text = (path: string): string => readFileSync(join(toy.source, path), "utf8");

  /** A patch of one file, after what other patches made of it. */
  const patch = (path: string, to: (text: string) => string): string =>
    patchOf(toy.source, path, to(text(path)));

  async function updateOf(patches: readonly (readonly [name: string, text: string])[]) {
    const source = await openSource(toy.source, toy.cache, () => undefined);
    const headers = (await openHeaders([toy.headers], toy.cache)).of(TOY_RELEASE);
    const options = { cache: toy.cache, place: THIS_MACHINE, jobs: 2, forceCompiler: false };
    const workspace = await openWorkspace(source, headers, { ...options, progress: () => undefined });
    const compared: string[] = [];
    const comparer: UnitComparer = {
      versions: { crcs: new Map(), namespaces: new Map(), moduleExports: new Map() },
      compare: async (pair) => {
        compared.push(pair.source);
        return judged(pair);
      },
      join: async (parts) => ({ kind: "joined", patches: parts.map((part) => part.patch) }),
      whole: () => Promise.reject(new Error("there are no hooks")),
    };
    const tools = {
      workspace,
      objects: objectCache(toy.cache),
      shipped: async () => comparer,
      layoutOk: [],
      progress: () => undefined,
    };
    try {
      const fixes = patches.map(([name, patched]) => fixOf({ name, text: patched }));
      const content = await seriesUpdate(
        { name: "toy", fixes },
        source,
        false,
        async () => tools,
        () => undefined,
      );
      const outcomes = Object.fromEntries(content.series.fixes.map((fix) => [fix.id, fix.outcome]));
      return { ...content, outcomes, compared };
    } finally {
      workspace.release();
    }
  }

  const other = (subject: string): string =>
    `Subject: ${subject}\n\n${patch("kernel/other.c", (old) => old.replace("return 1", "return 2"))}`;

  it("brings what can be live, and says of everything else why not", async () => {
    const { outcomes, report, patches, series } = await updateOf([
      ["live", other("mend other (CVE-2026-0001, CVE-2026-0002)")],
      ["makefile", `CVE-2026-0002\n${patch("kernel/Makefile", (old) => `${old}# more\n`)}`],
      ["unused", patch("kernel/unused.c", (old) => old.replace("nobody", "really nobody"))],
      ["words", patch("kernel/main.c", (old) => old.replace("int limit", "/* words */\nint limit"))],
      ["in", reversed("include/shape.h")],
      ["foreign", "--- a/kernel/other.c\n+++ b/kernel/other.c\n@@ -1 +1 @@\n-not there\n+there\n"],
      ["elsewhere", "--- a/sound/x.c\n+++ b/sound/x.c\n@@ -1 +1 @@\n-a\n+b\n"],
      ["cover", "Subject: words alone\n"],
      ["binary", "diff --git a/x b/x\nGIT binary patch\n"],
    ]);
    expect(outcomes).toEqual({
      live: "live",
      makefile: "refused",
      unused: "not_built",
      words: "same_code",
      in: "already_in",
      foreign: "not_here",
      elsewhere: "not_here",
      cover: "not_built",
      binary: "refused",
    });
    expect([report.outcome, patches.map(({ source }) => source)]).toEqual(["made", ["kernel/other.c"]]);
    expect(series.complete).toBe(false);
    expect(series.cves.map(({ cve, outcome }) => [cve, outcome])).toEqual([
      ["CVE-2026-0001", "live"],
      ["CVE-2026-0002", "refused"],
    ]);
    expect(liveCves(series)).toEqual(["CVE-2026-0001"]);
    expect(seriesText(series).join("\n")).toContain("kernel/Makefile: how the kernel is built");
  });

  /** A patch that is in the tree already: of one line that the tree has, from another one. */
  function reversed(path: string): string {
    const [line] = text(path).split("\n");
    return `--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-something else\n+${line}\n`;
  }

  it("takes out with a refused fix those that do not compile or apply without it", async () => {
    const header = patch("include/limits.h", (old) => `${old}#define EXTRA 5\n`);
    const makefile = patch("drivers/Makefile", (old) => `${old}# more\n`);
    const driver = patch("drivers/drv.c", (old) => old.replace("LOCAL;", 'LOCAL + sizeof("refused");'));
    const after = 'LOCAL + sizeof("refused");';
    const line =
      text("drivers/drv.c")
        .split("\n")
        .findIndex((each) => each.includes("LOCAL;")) + 1;
    const { outcomes, series, report } = await updateOf([
      ["header", `${header}${makefile}`],
      ["user", patch("kernel/main.c", (old) => old.replace("return LIMIT", "return LIMIT + EXTRA"))],
      ["driver", driver],
      [
        "later",
        `--- a/drivers/drv.c\n+++ b/drivers/drv.c\n@@ -${line} +${line} @@\n-\treturn LIMIT + ${after}\n+\treturn LIMIT + 1 + ${after}\n`,
      ],
      ["live", other("mend other")],
    ]);
    expect(outcomes).toEqual({
      header: "refused",
      user: "left_out",
      driver: "refused",
      later: "left_out",
      live: "live",
    });
    expect(series.fixes.map((fix) => ("because" in fix ? [fix.id, fix.because] : fix.id))).toEqual([
      "header",
      ["user", ["header"]],
      "driver",
      ["later", ["driver"]],
      "live",
    ]);
    expect(report.outcome).toBe("made");
    const words = seriesText(series).join("\n");
    expect(words).toMatch(/user\n {4}needs header\n {4}kernel\/main.c: .*\n.*error: .EXTRA. undeclared/);
    expect(words).toContain("not complete");
  });

  it("does not take a file for unchanged that two fixes change in opposite ways", async () => {
    const more = patch("include/limits.h", (old) =>
      old.replace(/LIMIT (\d+)/, (_, n) => `LIMIT ${Number(n) + 1}`),
    );
    const { outcomes, report } = await updateOf([
      ["more", `${more}${patch("drivers/Makefile", (old) => `${old}# more\n`)}`],
      [
        "less",
        patch("kernel/main.c", (old) => old.replace("return LIMIT", "return /* refused */ LIMIT - 1")),
      ],
      ["live", other("mend other")],
    ]);
    expect(outcomes).toEqual({ more: "refused", less: "left_out", live: "live" });
    expect(report.outcome).toBe("made");
  });

  it("is complete if all is live, and compares nothing twice", async () => {
    const header = patch("include/limits.h", (old) => `${old}#define EXTRA 5\n`);
    const { outcomes, series, compared } = await updateOf([
      ["header", header],
      ["user", patch("kernel/main.c", (old) => old.replace("return LIMIT", "return LIMIT + EXTRA"))],
    ]);
    expect(outcomes).toEqual({ header: "live", user: "live" });
    expect([series.complete, series.attempts, compared]).toEqual([true, 1, ["kernel/main.c"]]);
  });

  it("says of code that only runs at the start that it has run", async () => {
    const { outcomes, series, report } = await updateOf([
      ["init", patch("kernel/other.c", (old) => old.replace("return 1", "return 3; /* __init */"))],
    ]);
    expect([outcomes, report.outcome, series.complete]).toEqual([{ init: "at_start" }, "unchanged", false]);
  });

  it("is refused if nothing is left", async () => {
    const { report, patches } = await updateOf([
      ["makefile", patch("kernel/Makefile", (old) => `${old}# more\n`)],
    ]);
    expect([report.outcome, patches]).toEqual(["refused", []]);
  });
});
