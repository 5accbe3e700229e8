import { readdirSync, readFileSync } from "node:fs";
import { hasErrno } from "../../node/errno.ts";
import { type Address, address, type BuildId, type ObjectName, objectName } from "../../shared/brand.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { LoadedModule } from "../../shared/runpre/module/bind.ts";
import { ModuleSymbols } from "./module_symbols.ts";

/** A module that is loaded and at work. */
export interface RunningModule extends LoadedModule {
  readonly name: ObjectName;
  /** Undefined for one that was built without. */
  readonly buildId: BuildId | undefined;
}

/** The modules of the running kernel, as it tells of them at one moment. */
export interface RunningModules {
  names(): readonly ObjectName[];
  /** Undefined for one that is not loaded, or only on its way in or out. */
  find(name: ObjectName): RunningModule | undefined;
}

/** Undefined where there is no such file. */
export type ReadFile = (path: string) => Uint8Array | undefined;

const MODULES = "/sys/module";

/** By /sys/module and /proc/kallsyms. Only root is told addresses. */
export function runningModules(
  read: ReadFile = readKernelFile,
  list: () => readonly string[] = () => readdirSync(MODULES),
): RunningModules {
  let symbols: ModuleSymbols | undefined;
  const known = (): ModuleSymbols => {
    symbols ??= new ModuleSymbols(read("/proc/kallsyms") ?? new Uint8Array());
    return symbols;
  };
  const text = (path: string): string | undefined => {
    const bytes = read(path);
    return bytes && Buffer.from(bytes).toString("latin1").trim();
  };
  const find = (name: ObjectName): RunningModule | undefined => {
    // What is built in has a folder too where it takes parameters, but no state.
    if (text(`${MODULES}/${name}/initstate`) !== "live") return undefined;
    const notes = read(`${MODULES}/${name}/notes/.note.gnu.build-id`);
    return {
      name,
      buildId: notes && gnuBuildId(notes),
      section: (section) => parseAddress(text(`${MODULES}/${name}/sections/${plain(section)}`)),
      symbol: (symbol) => known().ownedBy(name, symbol),
      imported: (symbol, exported) => {
        const owner = known().exporterOf(exported);
        return owner === undefined ? undefined : known().ownedBy(owner, symbol);
      },
    };
  };
  return {
    find,
    names: () =>
      list()
        .flatMap((name) => (isObjectName(name) ? [objectName(name)] : []))
        .filter((name) => find(name) !== undefined)
        .sort(),
  };
}

/** A name from a signed document is a name of a file there, not a way to others. */
function plain(section: string): string {
  if (section !== "" && section !== "." && section !== ".." && !/[/\0]/.test(section)) return section;
  throw new RebootlessError("parse", `no name of a section: ${JSON.stringify(section.slice(0, 80))}`);
}

function isObjectName(name: string): boolean {
  try {
    objectName(name);
    return true;
  } catch (error) {
    if (isCode(error, "parse")) return false;
    throw error;
  }
}

function parseAddress(text: string | undefined): Address | undefined {
  return text !== undefined && /^0x[0-9a-f]{1,16}$/.test(text) ? address(BigInt(text)) : undefined;
}

function readKernelFile(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    // A module's files go with it, whenever that is.
    if (hasErrno(cause, "ENOENT", "ENODEV")) return undefined;
    if (hasErrno(cause, "EACCES", "EPERM")) {
      throw new RebootlessError("not_permitted", `cannot read ${path}`, { cause, hint: "Run as root." });
    }
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
}
