import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ObjectName, objectName } from "../../../../shared/brand.ts";
import { cacheDirectory, type Kernel } from "../machine.ts";
import { headersOf, makeModules } from "./build.ts";

const sources = dirname(fileURLToPath(import.meta.url));
const FILES = ["rebootless_ksplice.h", "rebootless_ksplice.c", "ksplice_part.c"] as const;

/** An update in Ksplice's format: its id, what it changes, and whether it brings a core. */
export interface KspliceUpdate {
  readonly kid: string;
  readonly targets: readonly ObjectName[];
  readonly core: boolean;
}

export interface KsplicePart {
  readonly name: ObjectName;
  readonly role: "core" | "new" | "old";
  readonly target: ObjectName | null;
}

/** The module that serves the interface. */
export const KSPLICE_SERVER = "rebootless_ksplice";

/** The modules of an update in load order. */
export function kspliceParts({ kid, targets, core }: KspliceUpdate): readonly KsplicePart[] {
  const parts: KsplicePart[] = core
    ? [{ name: objectName(`ksplice_${kid}`), role: "core", target: null }]
    : [];
  for (const target of targets) {
    for (const role of ["new", "old"] as const) {
      parts.push({ name: objectName(`ksplice_${kid}_${target}_${role}`), role, target });
    }
  }
  return parts;
}

function kbuild(updates: readonly KspliceUpdate[]): string {
  const lines = [`obj-m := ${KSPLICE_SERVER}.o`];
  for (const update of updates) {
    for (const { name, role, target } of kspliceParts(update)) {
      const defines = [`-DKID=${update.kid}`, `-D${role.toUpperCase()}`];
      if (target !== null) defines.push(`-DTARGET=${target}`);
      lines.push(`obj-m += ${name}.o`, `CFLAGS_${name}.o := ${defines.join(" ")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

async function build(
  headers: string,
  updates: readonly KspliceUpdate[],
  rules: string,
  target: string,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const directory = await mkdtemp(join(dirname(target), "ksplice.tmp-"));
  try {
    for (const file of FILES) await copyFile(join(sources, file), join(directory, file));
    for (const { name } of updates.flatMap(kspliceParts)) {
      await copyFile(join(sources, "ksplice_part.c"), join(directory, `${name}.c`));
    }
    await writeFile(join(directory, "Kbuild"), rules);
    await makeModules(headers, directory);
    await rename(directory, target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A folder with the server's module and those of the updates, each `NAME.ko`; built once, then taken from the cache. */
export async function buildKsplice(kernel: Kernel, updates: readonly KspliceUpdate[]): Promise<string> {
  const headers = headersOf(kernel);
  const rules = kbuild(updates);
  const hash = createHash("sha256").update(rules);
  const paths = [...FILES.map((file) => join(sources, file)), join(headers, "Module.symvers")];
  for (const path of paths) hash.update(await readFile(path));
  const key = hash.digest("hex").slice(0, 16);
  const target = join(cacheDirectory, "modules", kernel.version, key);
  if (!existsSync(target)) await build(headers, updates, rules, target);
  return target;
}
