import { type BuildId, type ObjectName, objectName } from "../../shared/brand.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { findTargetObjects, type TargetObject } from "./klp_structs.ts";
import { parseModinfo } from "./modinfo.ts";
import { type ObjectFile, openObjectFile } from "./object_file.ts";

/** What a module for the kernel's livepatch says of itself, read from the file alone. */
export interface LivepatchModule {
  readonly name: ObjectName;
  /** The kernel release and options that the module loader compares. */
  readonly vermagic: string;
  readonly buildId: BuildId;
  /** What it replaces, by object, in the order of the module. */
  readonly objects: readonly TargetObject[];
}

/**
 * @param bytes a .ko as kbuild makes it, not compressed.
 * @throws ParseError; RebootlessError `unsupported` if it is not a livepatch module, `limit`.
 */
export function readLivepatchModule(bytes: Uint8Array): LivepatchModule {
  const file = openObjectFile(bytes);
  const modinfo = parseModinfo(sectionNamed(file, ".modinfo"));
  const one = (key: string): string => {
    const [value, ...others] = modinfo.get(key) ?? [];
    if (value === undefined || others.length > 0) throw new ParseError(`.modinfo must have one ${key}=`);
    return value;
  };
  const name = objectName(one("name"));
  requireLivepatch(name, modinfo.get("livepatch"));
  const buildId = gnuBuildId(sectionNamed(file, ".note.gnu.build-id"));
  if (buildId === undefined) throw new ParseError(`${name}: no GNU build ID in .note.gnu.build-id`);
  return { name, vermagic: one("vermagic"), buildId, objects: findTargetObjects(file) };
}

/** The kernel gives livepatch rights only to modules that say livepatch=Y. */
function requireLivepatch(name: ObjectName, values: readonly string[] | undefined): void {
  if (values?.some((value) => value === "Y")) return;
  throw new RebootlessError("unsupported", `${name} is not a livepatch module`, {
    hint: 'Its source needs MODULE_INFO(livepatch, "Y"); modinfo shows it as "livepatch: Y".',
    details: { name },
  });
}

function sectionNamed(file: ObjectFile, name: string): Uint8Array {
  const section = file.sections.find((s) => s.name === name);
  if (section === undefined) throw new ParseError(`not a kernel module: it has no section ${name}`);
  return file.bytes(section.index);
}
