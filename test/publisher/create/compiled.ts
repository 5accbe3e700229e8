import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ShippedKernel } from "../../../publisher/create/resolve/shipped_kernel.ts";
import { shippedImage } from "../../../publisher/create/resolve/shipped_object.ts";
import { linkedMemory } from "../../../publisher/image/linked_memory.ts";
import { symbolTable } from "../../../publisher/image/symbol_table.ts";
import { type Address, type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { parseSections } from "../../../shared/elf/sections.ts";
import { parseSymbols, SYMBOL_TYPE } from "../../../shared/elf/symbols.ts";

const run = promisify(execFile);

/** As the kernel compiles C; a list of what ftrace can attach to is made, which is objtool's work there. */
const FLAGS = [
  ..."-O2 -w -std=gnu11 -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mno-sse -fno-common".split(
    " ",
  ),
  ..."-fno-asynchronous-unwind-tables -fcf-protection=none -fno-stack-protector -fno-jump-tables".split(" "),
  ..."-fno-strict-aliasing -pg -mfentry -mrecord-mcount".split(" "),
];
const EACH_APART = ["-ffunction-sections", "-fdata-sections", "-gbtf"];

const MACROS = `
#define noinline __attribute__((noinline))
#define notrace __attribute__((no_instrument_function))
#define __init __attribute__((section(".init.text"), cold))
`;
const PRELUDE = `${MACROS}
int printk(const char *, ...); int other(int); extern int exported;
#line 1 "unit.c"
`;

/** Beside the unit in every kernel of these tests. */
const REST = `${MACROS}
int exported;
notrace void __fentry__(void) {}
notrace noinline int printk(const char *format, ...) { return format[0]; }
notrace noinline int other(int n) { return n + exported; }
`;

export const CHECKSUM = 0x12345678;

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "rebootless-create-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Compiles a source, whose comment `// gcc: …` may name more flags. */
async function compileIn(
  folder: string,
  name: string,
  source: string,
  flags: readonly string[],
): Promise<string> {
  await writeFile(join(folder, `${name}.c`), source);
  const object = join(folder, `${name}.o`);
  const more = /^\/\/ gcc: (.*)$/m.exec(source)?.[1]?.split(" ") ?? [];
  await run("gcc", [...FLAGS, ...flags, ...more, "-c", "-o", object, join(folder, `${name}.c`)]);
  return object;
}

/** A unit as the tools of this project compile it. */
export const compiled = async (source: string, flags: readonly string[] = []): Promise<Uint8Array> =>
  inFolder(
    async (folder) =>
      new Uint8Array(
        await readFile(await compileIn(folder, "unit", PRELUDE + source, [...EACH_APART, ...flags])),
      ),
  );

/** A kernel that has the unit, as a distribution compiles and links it, and other units. */
export const kernelWith = (source: string, ...others: readonly string[]): Promise<ShippedKernel> =>
  kernelBy([], source, ...others);

/** The same, compiled with further flags. */
export async function kernelBy(
  flags: readonly string[],
  source: string,
  ...others: readonly string[]
): Promise<ShippedKernel> {
  return inFolder(async (folder) => {
    const objects: string[] = [];
    for (const [i, text] of [REST, ...others, source].entries()) {
      objects.push(await compileIn(folder, `unit${i}`, i === 0 ? text : PRELUDE + text, flags));
    }
    const vmlinux = join(folder, "vmlinux");
    await run("ld", ["-e", "0", "-Ttext=0xffffffff81000000", "--no-relax", "-o", vmlinux, ...objects]);
    return shippedKernel(await readFile(vmlinux));
  });
}

/** A kernel of some units, and a module of it that has the unit, as a distribution ships it. */
export async function moduleWith(
  source: string,
  name: ObjectName,
  ...others: readonly string[]
): Promise<ShippedKernel> {
  const kernel = await kernelWith("", ...others);
  return inFolder(async (folder) => {
    const info = `const char info[] __attribute__((section(".modinfo"))) = "name=${name}\\0vermagic=test";`;
    const objects = [
      await compileIn(folder, "unit", PRELUDE + source, []),
      await compileIn(folder, "info", info, []),
    ];
    const module = join(folder, "module.ko");
    await run("ld", ["-r", "--build-id=sha1", "-o", module, ...objects]);
    const file = new Uint8Array(await readFile(module));
    return { ...kernel, module: (wanted) => (wanted === name ? file : undefined) };
  });
}

function shippedKernel(elf: Uint8Array): ShippedKernel {
  const sections = parseSections(elf);
  const symbols = parseSymbols(elf, sections)
    .filter(({ section, type }) => section !== 0 && type !== SYMBOL_TYPE.section && type !== SYMBOL_TYPE.file)
    .map(({ name, binding, value, type }) => {
      const letter = type === SYMBOL_TYPE.func ? "t" : "d";
      return { name, type: binding === 0 ? letter : letter.toUpperCase(), address: value as Address };
    })
    .sort((a, b) => Number(a.address - b.address));
  return {
    vmlinux: shippedImage({ memory: linkedMemory(elf), symbols: symbolTable(symbols), sections }, VMLINUX),
    crcs: new Map([
      ["printk", CHECKSUM],
      ["exported", CHECKSUM],
      ["__fentry__", CHECKSUM],
    ]),
    namespaces: new Map([["exported", "SPACE"]]),
    moduleExports: new Map(),
    module: () => undefined,
  };
}
