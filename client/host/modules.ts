import { readdirSync, readFileSync } from "node:fs";
import { hasErrno } from "../../node/errno.ts";
import { type Address, address, type BuildId, type ObjectName, objectName } from "../../shared/brand.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import type { LoadedModule } from "../../shared/runpre/module/bind.ts";
import { ModuleSymbols } from "./module_symbols.ts";

/** A module that is loaded and live. */
export interface RunningModule extends LoadedModule {
  readonly name: ObjectName;
  /** The build ID; undefined if the module was built without one. */
  readonly buildId: BuildId | undefined;
}

/** The modules of the running kernel at one moment. */
export interface RunningModules {
  names(): readonly ObjectName[];
  /** Finds a module; undefined if it is not loaded, or is being loaded or unloaded. */
  find(name: ObjectName): RunningModule | undefined;
}

/** Reads a file; undefined if it does not exist. */
export type ReadFile = (path: string) => Uint8Array | undefined;

const MODULES = "/sys/module";

/** Reads the loaded modules from /sys/module and /proc/kallsyms. The kernel shows addresses only to root. */
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
    // A built-in module with parameters has a folder too, but no state.
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

/** Requires that a section name from a signed document is a file name, and not a path to another file. */
function plain(section: string): string {
  if (section !== "" && section !== "." && section !== ".." && !/[/\0]/.test(section)) return section;
  throw new RebootlessError("parse", `not the name of a section: ${JSON.stringify(section.slice(0, 80))}`);
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
    // A module's files disappear when it is unloaded, which may be at any time.
    if (hasErrno(cause, "ENOENT", "ENODEV")) return undefined;
    if (hasErrno(cause, "EACCES", "EPERM")) {
      throw new RebootlessError("not_permitted", `cannot read ${path}`, { cause, hint: "Run as root." });
    }
    throw new RebootlessError("io", `cannot read ${path}`, { cause });
  }
}
