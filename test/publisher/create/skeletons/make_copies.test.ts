import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { THIS_MACHINE } from "../../../../publisher/create/builder/build_place.ts";
import { makeCopies } from "../../../../publisher/create/skeletons/make_copies.ts";
import type { MadeSkeletons } from "../../../../publisher/create/skeletons/skeleton.ts";
import { applySeries } from "../../../../publisher/create/source/apply_patch.ts";
import { openHeaders } from "../../../../publisher/create/source/headers.ts";
import { patchSteps } from "../../../../publisher/create/source/patch_file.ts";
import { openSource } from "../../../../publisher/create/source/source_tree.ts";
import { openWorkspace } from "../../../../publisher/create/source/workspace.ts";
import { makeToyKernel, patchOf, TOY_RELEASE, type ToyKernel } from "../source/toy_kernel.ts";

const HEADER = "static inline int reach(int n)\n{\n\treturn n;\n}\n";
const SOURCES = {
  "include/reach.h": HEADER,
  "kernel/main.c": '#include "reach.h"\nint limit(void)\n{\n\treturn reach(1);\n}\n',
  "kernel/other.c": '#include "reach.h"\nint reach_live;\nint other(void)\n{\n\treturn reach(2);\n}\n',
  "drivers/drv.c": "/* reach(3) */\nint drv(void)\n{\n\treturn 0;\n}\n",
};

describe("copies of a function in the files that call it", { timeout: 120_000 }, () => {
  let toy: ToyKernel;
  let made: MadeSkeletons;
  let patched: readonly { readonly path: string; readonly after: string | undefined }[];
  beforeAll(async () => {
    toy = makeToyKernel();
    for (const [path, text] of Object.entries(SOURCES)) writeFileSync(join(toy.source, path), text);
    const fix = patchOf(toy.source, "include/reach.h", HEADER.replace("return n", "return n + 1"));
    const { changes } = await applySeries(toy.source, [patchSteps(fix)], false);
    const source = await openSource(toy.source, toy.cache, () => undefined);
    const workspace = await openWorkspace(
      source,
      (await openHeaders([toy.headers], toy.cache)).of(TOY_RELEASE),
      {
        cache: toy.cache,
        place: THIS_MACHINE,
        jobs: 2,
        forceCompiler: false,
        progress: () => undefined,
      },
    );
    const refusal = { code: "reach" as const, subject: "include/reach.h", reason: "", advice: "" };
    const lists = { units: [], same: [], ignored: [], notes: [] };
    try {
      made = await makeCopies(
        { workspace, changes, pairs: [] },
        { outcome: "refused", refusals: [refusal], ...lists },
      );
    } finally {
      workspace.release();
    }
    const text = made.skeletons[0]?.text ?? "";
    patched = (await applySeries(toy.source, [patchSteps(text)], false)).changes;
  }, 120_000);
  afterAll(() => toy.remove());

  it("are a patch that applies in place of the fix, for the files where it compiles", () => {
    expect(made.skeletons.map(({ file }) => file)).toEqual(["skeleton-copy-reach.patch"]);
    expect(patched.map(({ path }) => path)).toEqual(["kernel/main.c"]);
    expect(patched[0]?.after).toBe(`#include "reach.h"

/* A copy of reach(), because the kernel's own cannot be replaced. */
static inline int reach_live(int n)
{
	return n + 1;
}
int limit(void)
{
	return reach_live(1);
}
`);
  });

  it("are said to be left out where they do not compile, with what the compiler says", () => {
    expect(made.notes).toHaveLength(2);
    expect(made.notes[0]).toContain("(kernel/main.c)");
    expect(made.notes[1]).toMatch(
      /leaves out kernel\/other\.c, where the copy does not compile: .*reach_live/,
    );
  });
});
