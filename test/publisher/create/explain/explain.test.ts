import { describe, expect, it } from "vitest";
import { explanationText } from "../../../../publisher/create/explain/excerpt.ts";
import { explainRefusals } from "../../../../publisher/create/explain/explain.ts";
import { reportText } from "../../../../publisher/create/report_text.ts";
import type { UpdateRefusal, UpdateReport } from "../../../../publisher/create/update.ts";
import { VMLINUX } from "../../../../shared/brand.ts";

const BEFORE = `int one;
int two(void)
{
	return one;
}
static int level = 3;
struct foo {
	int a;
};
`;
const AFTER = BEFORE.replace("= 3", "= 4")
  .replace("\tint a;\n", "\tint a;\n\tint b;\n")
  .replace("return one", "return one + key");
const CHANGE = { path: "unit.c", before: BEFORE, after: AFTER, numbered: AFTER };
const PAIR = {
  source: "unit.c",
  object: VMLINUX,
  before: new Uint8Array(),
  after: new Uint8Array(),
  sourceBefore: BEFORE,
  sourceAfter: AFTER,
};

const refusal = (subject: string, more: Partial<UpdateRefusal> = {}): UpdateRefusal =>
  ({ code: "unresolved", subject, reason: "a reason", advice: "An advice.", ...more }) as UpdateRefusal;

function reportOn(inUnit: readonly UpdateRefusal[], refusals: readonly UpdateRefusal[] = []): UpdateReport {
  const lists = { changed: [], added: [], dropped: [], unused: [], initOnly: [], notes: [] };
  return {
    outcome: "refused",
    units: [{ source: "unit.c", object: VMLINUX, outcome: "refused", refusals: inUnit, ...lists }],
    same: [],
    ignored: [],
    refusals,
    notes: [],
  };
}

async function linesAbout(
  inUnit: readonly UpdateRefusal[],
  refusals: readonly UpdateRefusal[] = [],
): Promise<readonly (readonly string[])[]> {
  const report = await explainRefusals(reportOn(inUnit, refusals), [CHANGE], [PAIR]);
  const all = [...report.refusals, ...report.units.flatMap((unit) => unit.refusals)];
  return all.map(({ explanation }) => explanationText(explanation).filter((line) => !line.startsWith("  ")));
}

describe("the lines that a refusal is about", () => {
  it("are those that the patch changes in what it names", async () => {
    expect(await linesAbout([refusal("level")], [refusal("struct foo")])).toEqual([
      ["unit.c, with the patch:", ">  7  struct foo {", ">  9          int b;"],
      ["unit.c, with the patch:", "> 6  static int level = 4;"],
    ]);
  });

  it("are those that name the other thing that it is about", async () => {
    expect(await linesAbout([refusal("two.isra.0", { other: "key" })])).toEqual([
      ["unit.c, with the patch:", "> 2  int two(void)", "> 4          return one + key;"],
    ]);
  });

  it("are the changed ones of a file that it names, or those of which the compiler complains", async () => {
    const output = ["/x/tree/unit.c: In function 'two':", "/x/tree/unit.c:4:9: error: 'key' undeclared"];
    expect(await linesAbout([], [refusal("unit.c", { code: "compile", output })])).toEqual([
      ["unit.c, with the patch:", ">  4          return one + key;"].map((line) =>
        line.replace(">  4", "> 4"),
      ),
    ]);
    const [changed] = await linesAbout([], [refusal("unit.c")]);
    expect(changed?.slice(1).map((line) => line.slice(0, 4).trim())).toEqual([">  4", ">  6", ">  9"]);
  });

  it("are said not to be found where the text does not have the name", async () => {
    expect(await linesAbout([refusal("made_by_macro")])).toEqual([
      [
        "its lines were not found: the text of unit.c does not have its name: a macro or another header makes it",
      ],
    ]);
  });

  it("are part of the report as text, and only if they were asked for", async () => {
    const plain = reportOn([refusal("level")]);
    expect(reportText(plain).join("\n")).not.toContain("static int level");
    const explained = await explainRefusals(plain, [CHANGE], [PAIR]);
    expect(reportText(explained).join("\n")).toContain("> 6  static int level = 4;");
  });
});
