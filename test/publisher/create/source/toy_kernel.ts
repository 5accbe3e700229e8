import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A tree that answers to the targets and variables of kbuild that `create` uses, and three units of C. */
export interface ToyKernel {
  readonly source: string;
  readonly headers: string;
  readonly cache: string;
  /** A program that makes a generated header. */
  readonly tool: string;
  /** Sets what the compiler says of itself. */
  setCompiler(version: string): void;
  remove(): void;
}

export const TOY_RELEASE = "6.1.0-toy";

const MAKEFILE = `VERSION = 6
PATCHLEVEL = 1
SUBLEVEL = 7
EXTRAVERSION =
MAKEFLAGS += -rR
.PHONY: FORCE olddefconfig modules_prepare
export srctree := $(if $(abs_srctree),$(abs_srctree),$(CURDIR))
olddefconfig:
	@{ cat $(O)/.config | grep -v VERSION_TEXT; echo "CONFIG_CC_VERSION_TEXT=\\"$$(toycc --version)\\""; } >$(O)/.new && mv $(O)/.new $(O)/.config
modules_prepare:
	@mkdir -p $(O)/include/generated && echo '#define UTS_RELEASE "${TOY_RELEASE}"' >$(O)/include/generated/utsrelease.h
	@cat include/layout.h >$(O)/include/generated/asm-offsets.h
	@toytool >$(O)/include/generated/tool.h
Makefile: ;
%.o: FORCE
	@cat include/layout.h >$(O)/include/generated/asm-offsets.h
	@toytool >$(O)/include/generated/tool.h
	@gcc $(KCFLAGS) -Iinclude -c -o $(O)/$@ $(@:.o=.c)
	@echo "  CC      $@"
	@for name in $$(sed -n 's,^// EXPORT ,,p' $(@:.o=.c)); do \\
		echo "#SYMVER $$name 0x$$(gcc -Iinclude -D__GENKSYMS__ -E -P $(@:.o=.c) | grep struct | md5sum | cut -c1-8)"; \\
	done >$(O)/$(dir $@).$(notdir $@).cmd
FORCE: ;
`;

const BUILD = `obj-y :=
obj-m :=
include $(srctree)/$(obj)/Makefile
suffix-search = $($(notdir $(1:.o=-y)))
subdir-ym := $(patsubst ./%,%,$(addprefix $(obj)/,$(patsubst %/,%,$(filter %/,$(obj-y)))))
real-obj-y := $(addprefix $(obj)/,$(filter %.o,$(obj-y)))
multi-obj-m := $(addprefix $(obj)/,$(foreach m,$(obj-m),$(if $(call suffix-search,$m),$m)))
real-obj-m := $(addprefix $(obj)/,$(foreach m,$(obj-m),$(or $(call suffix-search,$m),$m)))
lib-y :=
`;

const FILES: Readonly<Record<string, string>> = {
  Makefile: `${MAKEFILE}obj-y += kernel/ drivers/\n`,
  "scripts/Makefile.build": BUILD,
  "kernel/Makefile": "obj-y += main.o other.o\n",
  "kernel/main.c":
    '#include "limits.h"\n#include "local.h"\nint limit(void)\n{\n\treturn LIMIT;\n}\n\nint line(void)\n{\n\treturn __LINE__;\n}\n',
  "kernel/other.c":
    "// EXPORT one\n// EXPORT two\n// EXPORT three\n// EXPORT four\nint other(void)\n{\n\treturn 1;\n}\n",
  "kernel/unused.c": "#error nobody compiles this\n",
  "drivers/Makefile": "obj-m += toy-drv.o\ntoy-drv-y := drv.o\n",
  "drivers/drv.c":
    '#include <limits.h>\n#include "../include/limits.h"\n#include "local.h"\nint drv(void)\n{\n\treturn LIMIT + LOCAL;\n}\n',
  "drivers/code.rs": "one\n",
  "kernel/local.h": "#define LOCAL 2\n",
  "drivers/local.h": "#define LOCAL 1\n",
  "include/limits.h": "#define LIMIT 10\n",
  "include/shape.h": "struct shape { int sides; };\n",
  "include/layout.h": "#define OFFSET 8\n",
  "Documentation/toy.txt": "words\n",
};

export function makeToyKernel(): ToyKernel {
  const root = mkdtempSync(join(tmpdir(), "rebootless-toy-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(FILES)) write(`source/${path}`, text);
  const flavour = `headers/usr/src/linux-headers-${TOY_RELEASE}`;
  write(`${flavour}/.config`, 'CONFIG_TOY=y\nCONFIG_CC_VERSION_TEXT="toycc 1.0"\n');
  write(`${flavour}/Module.symvers`, "0x0000abcd\tmain\tvmlinux\tEXPORT_SYMBOL\t\n");
  write(`${flavour}/include/generated/utsrelease.h`, `#define UTS_RELEASE "${TOY_RELEASE}"\n`);
  write(`${flavour}/include/generated/asm-offsets.h`, "#define OFFSET 8\n");
  const program = (name: string, text: string): void => {
    write(`bin/${name}`, `#!/bin/sh\necho '${text}'\n`);
    chmodSync(join(root, "bin", name), 0o755);
  };
  const setCompiler = (version: string): void => program("toycc", version);
  setCompiler("toycc 1.0");
  program("toytool", "#define TOOL 1");
  const path = process.env["PATH"];
  process.env["PATH"] = `${join(root, "bin")}:${path}`;
  return {
    source: join(root, "source"),
    headers: join(root, "headers"),
    cache: join(root, "cache"),
    tool: join(root, "bin/toytool"),
    setCompiler,
    remove: () => {
      process.env["PATH"] = path;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** `diff -u` of one file of a tree and what it is to become. */
export function patchOf(source: string, path: string, after: string): string {
  const file = join(dirname(source), "after");
  writeFileSync(file, after);
  const labels = ["--label", `a/${path}`, "--label", `b/${path}`];
  try {
    return execFileSync("diff", ["-u", ...labels, join(source, path), file], { encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout: string }).stdout);
  }
}
