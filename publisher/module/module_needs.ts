import { ByteReader } from "../../shared/byte_reader.ts";
import { SECTION_NUMBER, sectionBytes } from "../../shared/elf/sections.ts";
import { latin1 } from "../../shared/elf/strings.ts";
import { ParseError } from "../../shared/errors.ts";
import { MODVERSION_INFO } from "./kernel_structs.ts";
import type { ModuleObject } from "./module_file.ts";

/** The symbols that a module uses from the kernel and from other modules. */
export interface ModuleNeeds {
  /** The symbols that the kernel or a module must export, with the checksum that each must have, if known. */
  readonly exports: readonly { readonly name: string; readonly crc: number | undefined }[];
  /** The symbols that livepatch finds in an object, exported or not. */
  readonly livepatch: readonly LivepatchSymbol[];
  /** The namespaces of exported symbols that the module imports. */
  readonly namespaces: readonly string[];
}

export interface LivepatchSymbol {
  readonly object: string;
  readonly name: string;
  /** The position among symbols of the same name, counted from 1, or 0 if no other symbol has the name. */
  readonly position: number;
}

// The format of names that livepatch scans for (kernel/livepatch/core.c, klp_resolve_symbols).
const LIVEPATCH_SYMBOL = /^\.klp\.sym\.([^.]{1,55})\.([^,]{1,511}),(\d{1,6})$/;

/** Lists what a module needs. @throws ParseError. */
export function moduleNeeds(module: ModuleObject): ModuleNeeds {
  const versions = readVersions(module);
  const names = module.symbols.filter(
    ({ section, name }) => section === SECTION_NUMBER.undefined && name !== "",
  );
  return {
    exports: names.map(({ name }) => ({ name, crc: versions.get(name) })),
    livepatch: module.symbols
      .filter(({ name }) => name.startsWith(".klp.sym."))
      .map(({ name }) => parse(name)),
    namespaces: module.modinfo.get("import_ns") ?? [],
  };
}

function parse(symbol: string): LivepatchSymbol {
  const [, object, name, position] = LIVEPATCH_SYMBOL.exec(symbol) ?? [];
  if (object === undefined || name === undefined || position === undefined)
    throw new ParseError(`not a livepatch symbol: ${JSON.stringify(symbol.slice(0, 80))}`);
  return { object, name, position: Number(position) };
}

function readVersions({ file, sections }: ModuleObject): ReadonlyMap<string, number> {
  const section = sections.find(({ name }) => name === "__versions");
  const bytes = section === undefined ? new Uint8Array() : sectionBytes(file, section);
  const versions = new Map<string, number>();
  const reader = new ByteReader(bytes, "__versions");
  const { crc, name } = MODVERSION_INFO.fields;
  for (let at = 0; at < bytes.length; at += MODVERSION_INFO.size) {
    const text = name.read(reader, at);
    const end = text.indexOf(0);
    versions.set(latin1(end < 0 ? text : text.subarray(0, end)), Number(crc.read(reader, at) & 0xffff_ffffn));
  }
  return versions;
}
