import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KPATCH_MACROS, withKpatchMacros } from "../../../../publisher/create/source/kpatch_macros.ts";

const changeOf = (path: string, after: string) => ({ path, before: "", after, numbered: after });
const HOOKS = `#include "kpatch-macros.h"
static int allow(patch_object *object) { return object == 0; }
static void done(patch_object *object) { KPATCH_PRINTK("%p", object); }
KPATCH_PRE_PATCH_CALLBACK(allow);
KPATCH_POST_PATCH_CALLBACK(done);
KPATCH_POST_UNPATCH_CALLBACK(done);
KPATCH_IGNORE_FUNCTION(allow);
`;

describe("a patch for kpatch", () => {
  it("gets the header that it includes, unless it brings one", () => {
    const own = [changeOf("fs/a.c", "int a;\n")];
    expect(withKpatchMacros(own)).toBe(own);
    const asked = [changeOf("fs/a.c", HOOKS)];
    expect(withKpatchMacros(asked).map(({ path }) => path)).toEqual(["fs/a.c", KPATCH_MACROS]);
    const brought = [...asked, changeOf("fs/kpatch-macros.h", "")];
    expect(withKpatchMacros(brought)).toBe(brought);
  });

  it("has its callbacks compiled to hooks", () => {
    const folder = mkdtempSync(join(tmpdir(), "rebootless-kpatch-"));
    try {
      mkdirSync(join(folder, "include/linux"), { recursive: true });
      writeFileSync(join(folder, "include/linux/livepatch.h"), "struct klp_object;\n");
      writeFileSync(join(folder, "include/linux/printk.h"), "int printk(const char *, ...);\n");
      writeFileSync(join(folder, "include/linux/static_call.h"), "");
      for (const { path, after } of withKpatchMacros([changeOf("a.c", HOOKS)]))
        writeFileSync(join(folder, path), after ?? "");
      const flags = ["-Wall", "-Wmissing-prototypes", "-Werror", "-Iinclude", "-c"];
      execFileSync("gcc", [...flags, "-o", "a.o", "a.c"], { cwd: folder });
      const symbols = execFileSync("nm", ["--defined-only", "-g", "-j", "a.o"], {
        cwd: folder,
        encoding: "utf8",
      });
      expect(symbols.trim().split("\n")).toEqual(["post_patch", "post_unpatch", "pre_patch"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
