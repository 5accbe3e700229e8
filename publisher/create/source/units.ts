import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { type ObjectName, objectName, VMLINUX } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { Kbuild } from "./kbuild.ts";

/** The most objects that a kernel may have. The largest configurations build some 30,000. */
const MAX_UNITS = 200_000;

/** The kernel object that each compiled object ("fs/ext4/mballoc.o") becomes a part of. */
export type UnitTable = ReadonlyMap<string, ObjectName>;

/*
 * kbuild is asked, because only it can evaluate its makefiles. Its own Makefile.build is read for each folder
 * that it would descend into, and its variables are printed instead of built
 * (Documentation/kbuild/makefiles.rst, Linux 5.10 to 7.3).
 */

const TOP = `include $(abs_srctree)/Makefile
.PHONY: rebootless-units
rebootless-units:
	@$(MAKE) -f $(abs_objtree)/rebootless-folder.mk obj=. rebootless-folder
`;

const FOLDER = `include $(srctree)/scripts/Makefile.build
rebootless-own := $(patsubst $(obj)/%,%,$(multi-obj-m))
rebootless-parts = $(addprefix $(obj)/,$(call suffix-search,$1,.o,-objs -y -m))
rebootless-below := $(addprefix rebootless-below/,$(subdir-ym))
.PHONY: rebootless-folder $(rebootless-below)
rebootless-folder: $(rebootless-below)
	@:$(info kernel $(lib-y) $(real-obj-y))$(info modules $(real-obj-m))\\
	$(foreach m,$(rebootless-own),$(info module $(obj)/$m $(call rebootless-parts,$m)))
$(rebootless-below): rebootless-below/%:
	@$(MAKE) -f $(abs_objtree)/rebootless-folder.mk obj=$* rebootless-folder
`;

/**
 * Asks kbuild for the objects of the kernel, in a build folder that is prepared.
 * @throws RebootlessError `io`, `limit`.
 */
export async function listUnits({ run, tree, out, jobs, variables }: Kbuild): Promise<UnitTable> {
  await writeFile(join(out, "rebootless-top.mk"), TOP);
  await writeFile(join(out, "rebootless-folder.mk"), FOLDER);
  // These are the variables that the top makefile sets when it starts again in the build folder. Of Linux 6.12 they are
  // the first two, of Linux 7.3 the next two.
  const env = { abs_srctree: tree, abs_objtree: out, srcroot: tree, objtree: ".", sub_make_done: "1" };
  const flags = [
    `--directory=${out}`,
    "-rR",
    "-s",
    `-j${jobs}`,
    "--no-print-directory",
    "--output-sync=target",
    `--include-dir=${tree}`,
  ];
  const { code, stdout, stderr } = await run(
    "make",
    [...flags, ...variables, "-f", "rebootless-top.mk", "rebootless-units"],
    { env },
  );
  const table = parseUnits(stdout);
  if (code === 0 && table.size > 0) return table;
  throw new RebootlessError("io", "kbuild does not say which objects the kernel consists of", {
    output: lastLines(stderr, 20),
  });
}

/**
 * Reads lines of `kernel OBJECT…`, `modules OBJECT…` and `module MODULE OBJECT…`. An object in the kernel is
 * not in a module.
 */
export function parseUnits(text: string): UnitTable {
  const kernel = new Set<string>();
  const alone: string[] = [];
  const parts: { readonly path: string; readonly module: string }[] = [];
  for (const line of text.split("\n")) {
    const [kind, ...words] = line.split(" ").filter((word) => word !== "");
    const objects = words.filter((word) => word.endsWith(".o")).map(normal);
    if (kind === "kernel") for (const path of objects) kernel.add(path);
    if (kind === "modules") for (const path of objects) alone.push(path);
    const [module, ...own] = objects;
    if (kind === "module" && module !== undefined) for (const path of own) parts.push({ path, module });
  }
  const table = new Map<string, ObjectName>();
  for (const { path, module } of parts) table.set(path, moduleOf(module));
  for (const path of alone) if (!table.has(path)) table.set(path, moduleOf(path));
  for (const path of kernel) table.set(path, VMLINUX);
  if (table.size > MAX_UNITS) throw new RebootlessError("limit", `more than ${MAX_UNITS} objects`);
  return table;
}

/** Returns the kernel's name for the module of an object such as "fs/nfs/blocklayout/blocklayoutdriver.o". */
const moduleOf = (path: string): ObjectName =>
  objectName((path.split("/").at(-1) ?? "").replace(/\.o$/, "").replaceAll("-", "_"));

/** Normalizes a path such as "drivers/a/../b/c.o" or "./init/main.o". */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
