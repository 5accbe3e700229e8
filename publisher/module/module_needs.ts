import { ByteReader } from "../../shared/byte_reader.ts";
import { sectionBytes } from "../../shared/elf/sections.ts";
import { latin1 } from "../../shared/elf/strings.ts";
import { ParseError } from "../../shared/errors.ts";
import type { ModuleObject } from "./module_file.ts";

/** What a module uses of others. */
export interface ModuleNeeds {
  /** Symbols that the kernel or a module must export, with the checksum that each must have, if the module has one. */
  readonly exports: readonly { readonly name: string; readonly crc: number | undefined }[];
  /** Symbols that livepatch finds in an object, exported or not. */
  readonly livepatch: readonly LivepatchSymbol[];
  /** Name spaces of exports. */
  readonly namespaces: readonly string[];
}

export interface LivepatchSymbol {
  readonly object: string;
  readonly name: string;
  /** 0: the only one of the name. */
  readonly position: number;
}

/** struct modversion_info: a CRC of 8 bytes, and the name. */
const VERSION_SIZE = 64;
const UNDEFINED = 0;
// The format that livepatch scans for (kernel/livepatch/core.c, klp_resolve_symbols).
const LIVEPATCH_SYMBOL = /^\.klp\.sym\.([^.]{1,55})\.([^,]{1,511}),(\d{1,6})$/;

/** @throws ParseError. */
export function moduleNeeds(module: ModuleObject): ModuleNeeds {
  const versions = readVersions(module);
  const names = module.symbols.filter(({ section, name }) => section === UNDEFINED && name !== "");
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
  while (reader.remaining > 0) {
    const crc = Number(reader.u64() & 0xffff_ffffn);
    const name = reader.take(VERSION_SIZE - 8);
    const end = name.indexOf(0);
    versions.set(latin1(end < 0 ? name : name.subarray(0, end)), crc);
  }
  return versions;
}
