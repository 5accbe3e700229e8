import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BuildPlace,
  givenPlace,
  THIS_MACHINE,
} from "../../../../publisher/create/builder/build_place.ts";
import { agreement } from "../../../../publisher/create/source/agreement.ts";
import { applySeries } from "../../../../publisher/create/source/apply_patch.ts";
import { compileHooks } from "../../../../publisher/create/source/compile_hooks.ts";
import { openHeaders } from "../../../../publisher/create/source/headers.ts";
import { objectCache } from "../../../../publisher/create/source/object_cache.ts";
import { patchSteps } from "../../../../publisher/create/source/patch_file.ts";
import { patchedUnits } from "../../../../publisher/create/source/patched_units.ts";
import { openSource } from "../../../../publisher/create/source/source_tree.ts";
import { openWorkspace, type Workspace } from "../../../../publisher/create/source/workspace.ts";
import { utf8 } from "../../../../shared/bytes.ts";
import { makeToyKernel, patchOf, TOY_RELEASE, type ToyKernel } from "./toy_kernel.ts";

/** Names, contents and times of everything in a tree. */
const stateOf = (folder: string): string =>
  execFileSync(
    "sh",
    [
      "-c",
      `cd "$1" && find . -printf '%p %y %s %T@\\n' | sort && cat $(find . -type f | sort) | sha256sum`,
      "sh",
      folder,
    ],
    {
      encoding: "utf8",
    },
  );

describe("compiling what a patch affects", { timeout: 120_000 }, () => {
  let toy: ToyKernel;
  let before = "";
  const progress: string[] = [];
  beforeAll(() => {
    toy = makeToyKernel();
    before = stateOf(toy.source);
  });
  afterAll(() => toy.remove());

  async function withWorkspace<T>(
    action: (workspace: Workspace) => Promise<T>,
    change: { readonly forceCompiler?: boolean; readonly place?: BuildPlace } = {},
  ): Promise<T> {
    const source = await openSource(toy.source, toy.cache, () => undefined);
    const headers = (await openHeaders([toy.headers], toy.cache)).of(TOY_RELEASE);
    const options = { cache: toy.cache, place: THIS_MACHINE, jobs: 2, forceCompiler: false, ...change };
    const workspace = await openWorkspace(source, headers, {
      ...options,
      progress: (line) => void progress.push(line),
    });
    try {
      return await action(workspace);
    } finally {
      workspace.release();
    }
  }

  const compile = (patch: string) =>
    withWorkspace(async (workspace) => {
      const { changes } = await applySeries(toy.source, [patchSteps(patch)], false);
      return patchedUnits(workspace, objectCache(toy.cache), changes, (line) => void progress.push(line));
    });

  const edited = (path: string, from: string, to: string): string =>
    patchOf(toy.source, path, readFileSync(join(toy.source, path), "utf8").replace(from, to));

  it("asks kbuild what belongs to which object", async () => {
    const units = await withWorkspace(async (workspace) => [...workspace.units].sort());
    expect(units).toEqual([
      ["drivers/drv.o", "toy_drv"],
      ["kernel/main.o", "vmlinux"],
      ["kernel/other.o", "vmlinux"],
    ]);
  });

  it("compiles the unit that changes, and nothing twice", async () => {
    const patch = edited("kernel/other.c", "return 1", "return 2");
    const { pairs } = await compile(patch);
    expect(pairs.map(({ source, object }) => [source, object])).toEqual([["kernel/other.c", "vmlinux"]]);
    progress.length = 0;
    const again = await compile(patch);
    expect(again.pairs[0]?.after).toEqual(pairs[0]?.after);
    expect(progress).toEqual([]);
  });

  it("finds the units that a header reaches", async () => {
    const { pairs } = await compile(edited("include/limits.h", "10", "11"));
    expect(pairs.map(({ source, object }) => [source, object])).toEqual([
      ["drivers/drv.c", "toy_drv"],
      ["kernel/main.c", "vmlinux"],
    ]);
  });

  it("knows which of two headers of one name a unit has beside it", async () => {
    const { pairs, same } = await compile(edited("drivers/local.h", "1", "3"));
    expect([pairs.map(({ source }) => source), same]).toEqual([["drivers/drv.c"], []]);
  });

  it("keeps the numbers of lines that do not change", async () => {
    const { pairs, same } = await compile(
      edited("kernel/main.c", "int limit(void)", "/* one\n   two */\n\nint limit(void)"),
    );
    expect({ pairs, same }).toEqual({ pairs: [], same: ["kernel/main.c"] });
  });

  it("sets aside a unit whose types alone differ, and keeps its types", async () => {
    const { pairs, same, retyped } = await compile(
      edited("kernel/main.c", "int limit(void)", "unsigned int limit(void)"),
    );
    expect({ pairs, same }).toEqual({ pairs: [], same: ["kernel/main.c"] });
    expect(retyped.map(({ source }) => source)).toEqual(["kernel/main.c"]);
  });

  it("leaves out what the kernel is not compiled from, and refuses what an update cannot bring", async () => {
    const ignored = await compile(edited("Documentation/toy.txt", "words", "more words"));
    expect(ignored).toMatchObject({ pairs: [], ignored: ["Documentation/toy.txt"] });
    const unused = await compile(edited("kernel/unused.c", "nobody", "really nobody"));
    expect(unused).toMatchObject({ pairs: [], ignored: ["kernel/unused.c"] });
    const rust = await compile(edited("drivers/code.rs", "one", "two"));
    expect(rust.refusals).toMatchObject([
      {
        code: "file",
        subject: "drivers/code.rs",
        reason: expect.stringContaining("Rust code is not compiled"),
      },
    ]);
    const makefile = await compile(edited("kernel/Makefile", "other.o", "other.o unused.o"));
    expect(makefile.refusals.map(({ code, subject }) => [code, subject])).toEqual([
      ["file", "kernel/Makefile"],
    ]);
    const version = await compile(edited("Makefile", "SUBLEVEL = 7", "SUBLEVEL = 8"));
    expect(version).toMatchObject({ refusals: [], ignored: ["Makefile"] });
  });

  it("refuses a patch that changes what is generated, and need not prepare anything afterwards", async () => {
    // A unit has to be compiled for kbuild to look: both in one patch.
    const patch = `${edited("include/layout.h", "8", "16")}${edited("kernel/other.c", "return 1", "return 3")}`;
    const { pairs, refusals } = await compile(patch);
    expect(pairs).toEqual([]);
    expect(refusals).toMatchObject([{ code: "generated", subject: "include/layout.h" }]);
    expect(refusals[0]?.reason).toContain("include/generated/asm-offsets.h");
    progress.length = 0;
    expect((await compile(edited("kernel/other.c", "return 1", "return 4"))).pairs).toHaveLength(1);
    expect(progress).toEqual([
      "compiling 1 file with the patch: kernel/other.o",
      "compiled kernel/other.o, 1 of 1",
    ]);
  });

  it("does not take it for the patch's doing if kbuild generates something else by itself", async () => {
    const patch = edited("kernel/other.c", "return 1", "return 6");
    writeFileSync(toy.tool, "#!/bin/sh\necho '#define TOOL 2'\n");
    const refused = compile(patch);
    await expect(refused).rejects.toMatchObject({
      code: "io",
      message: expect.stringMatching(/no longer generates .*: include\/generated\/tool\.h$/),
    });
    progress.length = 0;
    expect((await compile(patch)).pairs).toHaveLength(1);
    expect(progress[0]).toMatch(/^preparing the source/);
  });

  it("refuses a patch that does not compile, in the compiler's own words", async () => {
    const { pairs, refusals } = await compile(edited("kernel/other.c", "return 1", "return nothing"));
    expect(pairs).toEqual([]);
    expect(refusals).toMatchObject([
      {
        code: "compile",
        subject: "kernel/other.c",
        output: expect.arrayContaining([expect.stringMatching(/'nothing' undeclared/)]),
      },
    ]);
  });

  it("refuses changed types of exports in one line, and says if only an include made them", async () => {
    const added = (text: string) => compile(edited("kernel/other.c", "int other(", `${text}\nint other(`));
    const subject = "4 exported symbols of kernel/other.c";
    const symbols = ["one", "two", "three", "four"];
    const changed = await added("struct own { int n; };");
    expect(changed.refusals).toMatchObject([
      {
        code: "export",
        subject,
        symbols,
        reason: "the patch changes their types for the modules that use them: one, two, three and 1 more",
      },
    ]);
    const seen = await added('#include "shape.h"');
    expect(seen.refusals).toMatchObject([
      { code: "export", subject, symbols, advice: expect.stringContaining("#ifndef __GENKSYMS__") },
    ]);
    const hidden = await added('#ifndef __GENKSYMS__\n#include "shape.h"\n#endif');
    expect(hidden.refusals).toEqual([]);
  });

  it("loses no prepared tree to another compiler, and says at once if the kernel's is not here", async () => {
    const config = join(toy.headers, `usr/src/linux-headers-${TOY_RELEASE}`, ".config");
    const old = readFileSync(config, "utf8");
    writeFileSync(config, old.replace("toycc 1.0", "toycc-9 (Toy 9.1) 9.1"));
    progress.length = 0;
    try {
      await expect(withWorkspace(async () => undefined)).rejects.toMatchObject({
        code: "unsupported",
        message: "this kernel was built with toycc-9 (Toy 9.1) 9.1, which is not here",
        hint: expect.stringContaining("Install the package toycc-9."),
      });
      expect(progress).toEqual([]);
    } finally {
      writeFileSync(config, old);
    }
    const open = () => withWorkspace(async (workspace) => workspace.identity);
    const before = await open();
    toy.setCompiler("toycc 1.1");
    await expect(open()).rejects.toMatchObject({ code: "usage" });
    toy.setCompiler("toycc 1.0");
    progress.length = 0;
    expect(await open()).toBe(before);
    expect(progress).toEqual([]);
  });

  it("refuses another compiler, unless that is wished, and says how it differs", async () => {
    const open = (forceCompiler: boolean) =>
      withWorkspace(async (workspace) => workspace.notes, { forceCompiler });
    const words = "the compiler here is toycc 2.0, but the kernel's was toycc 1.0";
    toy.setCompiler("toycc 2.0");
    try {
      await expect(open(false)).rejects.toMatchObject({ code: "usage", message: words });
      expect(await open(true)).toEqual([words]);
    } finally {
      toy.setCompiler("toycc 1.0");
    }
  });

  it("refuses an image of another compiler than the headers'", async () => {
    const headers = (await openHeaders([toy.headers], toy.cache)).of(TOY_RELEASE);
    const banner = (compiler: string) =>
      `Linux version ${TOY_RELEASE} (toy@toy) (${compiler}, GNU ld 2.40) #1 SMP`;
    expect(() => agreement.image(banner("toycc 1.0"), headers)).not.toThrow();
    expect(() => agreement.image(banner("toycc 1.01"), headers)).toThrow(
      "the image was built with toycc 1.01, but the headers are of a kernel built with toycc 1.0",
    );
  });

  it("refuses headers that the source does not generate", async () => {
    const file = join(toy.headers, `usr/src/linux-headers-${TOY_RELEASE}`, "include/generated/asm-offsets.h");
    const config = join(toy.headers, `usr/src/linux-headers-${TOY_RELEASE}`, ".config");
    const [old, oldConfig] = [readFileSync(file), readFileSync(config)];
    writeFileSync(file, "#define OFFSET 9\n");
    appendFileSync(config, "CONFIG_MORE=y\n"); // another identity: it is prepared anew
    try {
      await expect(withWorkspace(async () => undefined)).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining("asm-offsets.h"),
      });
      const left = readdirSync(join(toy.cache, "trees")).map((name) =>
        readdirSync(join(toy.cache, "trees", name)),
      );
      expect(left.filter((names) => names.join() === "lock")).not.toEqual([]);
      expect(left.filter((names) => names.includes("tree") && !names.includes("ready.json"))).toEqual([]);
    } finally {
      writeFileSync(file, old);
      writeFileSync(config, oldConfig);
    }
  });

  it("begins anew where a run ended with patched files in their places", async () => {
    const patch = edited("kernel/other.c", "return 1", "return 5");
    const { pairs } = await compile(patch);
    for (const name of readdirSync(join(toy.cache, "trees"))) {
      const folder = join(toy.cache, "trees", name);
      if (!existsSync(join(folder, "ready.json"))) continue;
      execFileSync("rm", [join(folder, "ready.json"), join(folder, "tree/kernel/other.c")]);
      writeFileSync(join(folder, "tree/kernel/other.c"), "int other(void) { return 666; }\n");
    }
    execFileSync("rm", ["-r", join(toy.cache, "objects")]);
    const again = await compile(patch);
    expect(again.pairs[0]?.before).toEqual(pairs[0]?.before);
  });

  it("compiles by a command of the author's, in a tree of its own", async () => {
    const [builder, log] = [join(toy.headers, "my builder"), join(toy.headers, "builder.log")];
    writeFileSync(builder, `#!/bin/sh\necho "$*" >>"${log}"\nexec "$@"\n`, { mode: 0o755 });
    const { changes } = await applySeries(
      toy.source,
      [patchSteps(edited("kernel/other.c", "return 1", "return 2"))],
      false,
    );
    const compileBy = (place: BuildPlace) =>
      withWorkspace(
        async (workspace) => {
          const { pairs } = await patchedUnits(workspace, objectCache(toy.cache), changes, () => undefined);
          await compileHooks(workspace, utf8("int hook(void) { return 4; }\n"));
          return { pairs, tree: workspace.kbuild.tree };
        },
        { place },
      );
    const there = await compileBy(givenPlace(`'${builder}'`));
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(lines[0]).toBe("env LC_ALL=C toycc --version");
    for (const target of [
      "olddefconfig",
      "modules_prepare",
      "rebootless-units",
      "kernel/other.o",
      "rebootless_hooks.o",
    ])
      expect(
        lines.filter((line) => /^env LC_ALL=C .*\bmake /.test(line) && line.endsWith(target)),
      ).not.toEqual([]);
    const here = await compileBy(THIS_MACHINE);
    expect(there.tree).not.toBe(here.tree);
    expect(readFileSync(log, "utf8").trimEnd().split("\n")).toEqual(lines);
    expect(there.pairs.map(({ source }) => source)).toEqual(["kernel/other.c"]);
  });

  it("never writes into the user's tree", () => {
    expect(stateOf(toy.source)).toBe(before);
  });
});
