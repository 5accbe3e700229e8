import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { readIfPresent } from "../../node/files.ts";
import { unpackModule } from "../../node/unpack.ts";
import type { BuildId, ObjectName } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { parseSections, sectionBytes } from "../../shared/elf/sections.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** The file that modprobe would load a module from. */
export interface InstalledModule {
  readonly path: string;
  /** The build ID of the module; undefined if the file has none. */
  readonly buildId: BuildId | undefined;
}

/** Finds the file of a module; undefined if the module has no file. */
export type FindModuleFile = (module: ObjectName) => Promise<InstalledModule | undefined>;

/** The largest module file, packed or not. With debugging information, modules of distributions have tens of MB. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Finds module files as modprobe does, by modules.dep of the running release. */
export function moduleFiles(release: string, root = "/lib/modules"): FindModuleFile {
  const folder = join(root, release);
  let paths: ReadonlyMap<string, string> | undefined;
  return async (module) => {
    paths ??= modulePaths(await readIfPresent(join(folder, "modules.dep")));
    const below = paths.get(module);
    if (below === undefined) return undefined;
    const path = join(folder, below);
    return { path, buildId: buildIdOf(await readModule(path), path) };
  };
}

/** Parses lines of `kernel/fs/nfs/nfs.ko.xz: kernel/…`. In names, `-` and `_` are the same. */
function modulePaths(dependencies: Uint8Array = new Uint8Array()): ReadonlyMap<string, string> {
  const paths = Buffer.from(dependencies)
    .toString()
    .split("\n")
    .map((line) => line.slice(0, Math.max(0, line.indexOf(":"))))
    .filter((path) => path !== "" && !path.split("/").includes(".."));
  return new Map(
    paths.map((path) => [
      basename(path)
        .replace(/\.ko(\.\w+)?$/, "")
        .replaceAll("-", "_"),
      path,
    ]),
  );
}

function buildIdOf(bytes: Uint8Array, path: string): BuildId | undefined {
  try {
    const note = parseSections(bytes).find(({ name }) => name === ".note.gnu.build-id");
    return note && gnuBuildId(sectionBytes(bytes, note));
  } catch (cause) {
    throw new RebootlessError("unsupported", `${path} is not a kernel module`, { cause });
  }
}

async function readModule(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new Error(`${counted(size, "byte")}`);
    const bytes = await readFile(path);
    return path.endsWith(".ko") ? bytes : await unpackModule(bytes, MAX_FILE_BYTES);
  } catch (cause) {
    throw new RebootlessError("unsupported", `cannot read ${path}`, { cause });
  }
}
