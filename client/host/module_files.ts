import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { BuildId, ObjectName } from "../../shared/brand.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { parseSections, sectionBytes } from "../../shared/elf/sections.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { readIfPresent } from "./files.ts";

/** The file that modprobe would load a module from, and which build it is. */
export interface ModuleFile {
  readonly path: string;
  /** undefined for a file without one. */
  readonly buildId: BuildId | undefined;
}

/** undefined where there is no file for the module. Throws `unsupported` for one that cannot be read. */
export type FindModuleFile = (module: ObjectName) => Promise<ModuleFile | undefined>;

/** The largest modules of distributions, with debugging information, have tens of MB. */
const MAX_MODULE_BYTES = 256 * 1024 * 1024;
const DECOMPRESS_TIMEOUT_MS = 60_000;
const SBIN_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";

/** By modules.dep of the running release, as modprobe finds them. */
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

/** `kernel/fs/nfs/nfs.ko.xz: kernel/…`; in names `-` and `_` are the same. */
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
    throw new RebootlessError("unsupported", `${path} is no kernel module`, { cause });
  }
}

async function readModule(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_MODULE_BYTES) throw new Error(`${size} bytes`);
    const [, packing] = /\.ko\.(\w+)$/.exec(path) ?? [];
    if (packing === undefined) return await readFile(path);
    if (packing === "gz") {
      return await promisify(gunzip)(await readFile(path), { maxOutputLength: MAX_MODULE_BYTES });
    }
    if (packing === "xz") return await output("xz", path);
    if (packing === "zst") return await output("zstd", path);
    throw new Error(`.${packing} is no packing of modules`);
  } catch (cause) {
    throw new RebootlessError("unsupported", `cannot read ${path}`, {
      cause,
      hint: "Compressed modules need the command that unpacks them: xz (xz-utils) or zstd.",
    });
  }
}

async function output(command: string, path: string): Promise<Uint8Array> {
  const { stdout } = await promisify(execFile)(command, ["-dcq", "--", path], {
    encoding: "buffer",
    maxBuffer: MAX_MODULE_BYTES,
    timeout: DECOMPRESS_TIMEOUT_MS,
    env: { PATH: SBIN_PATH },
  });
  return stdout;
}
