import type { Address, BuildId, ObjectName } from "../../../shared/brand.ts";
import { type ElfSection, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { ModuleLayout } from "../../../shared/runpre/module/layout.ts";
import { kernelExports } from "../../image/exports.ts";
import type { KernelSymbol } from "../../image/kallsyms.ts";
import type { KernelImage } from "../../image/kernel_image.ts";
import { type LinkedMemory, type Segment, segmentMemory } from "../../image/linked_memory.ts";
import { findPatchSites, type PatchedCode } from "../../image/patch_sites.ts";
import { hasRelocatingAlternatives } from "../../image/sites/alternative.ts";
import { type PatchSite, sitesWithin } from "../../image/sites/patch_site.ts";
import type { ModuleSources, SiteSources } from "../../image/sites/sources.ts";
import { KEY_PREFIX, TRAMPOLINE_PREFIX } from "../../image/sites/static_call.ts";
import { type SymbolTable, symbolTable } from "../../image/symbol_table.ts";
import type { ModuleObject } from "../module_file.ts";
import { Bases, isImportOffset } from "./bases.ts";
import { type Placement, placeSections } from "./placement.ts";
import { type Relocated, relocateModule } from "./relocate.ts";
import { type LinkKernel, symbolResolver } from "./resolve.ts";

/** A module linked against a kernel at addresses of our own choice, which shared/runpre/module/layout.ts explains. */
export interface LinkedModule extends PatchedCode {
  readonly name: ObjectName;
  readonly buildId: BuildId;
  readonly layout: ModuleLayout;
  /**
   * The symbols of the code that stays in memory after init, in the order of the file. In that order livepatch counts
   * the positions of equal names.
   */
  readonly symbols: SymbolTable;
  /** The sections of code that stays in memory after init. `end` is exclusive. */
  readonly sections: readonly { readonly name: string; readonly start: number; readonly end: number }[];
}

/** Returns a function that links modules against one kernel. What they need from the kernel is read only once. */
export function moduleLinker(image: KernelImage): (module: ModuleObject) => LinkedModule {
  const kernel = { linkedText: image.linkedText, exports: kernelExports(image) };
  return (module) => linkModule(module, image, kernel);
}

/** Links a module. @throws ParseError, RebootlessError `limit`, or `usage` for a module of another kernel release. */
function linkModule(module: ModuleObject, image: KernelImage, kernel: LinkKernel): LinkedModule {
  requireRelease(module, image);
  const { linkedText } = image;
  const placement = placeSections(module.sections);
  const bases = new Bases();
  const resolve = symbolResolver(module, placement, kernel, bases);
  const relocated = relocateModule(module, placement, linkedText, bases.all, resolve);
  const memory = joinMemory(image.memory, placement, relocated, linkedText);
  const own = placedSymbols(module, placement, linkedText);
  const movedWithin = (start: number, end: number) =>
    sitesWithin(relocated.moved, start, end).filter((site) => site.kind === "moved");
  const sources: SiteSources = {
    memory,
    sections: placedSections(module.sections, placement, linkedText),
    symbols: image.symbols,
    own: symbolTable(own),
    linkedText,
    relocated: movedWithin,
    module: moduleSources(module, placement, image, bases),
  };
  const { sites, itsPages } = findPatchSites(sources);
  const unknown = relocated.moved.filter((site) => site.kind === "unknown");
  return {
    name: module.name,
    buildId: module.buildId,
    layout: { bases: bases.all, itsPages },
    symbols: symbolTable(own.filter(({ type }) => type === "t")),
    sections: placement.textSections.map(({ name, index, size }) => {
      const start = placement.places.get(index) ?? 0;
      return { name, start, end: start + size };
    }),
    sites: [...sites, ...unknown].sort((a: PatchSite, b: PatchSite) => a.at - b.at),
    relocated: movedWithin,
    read: (offset, length) => memory.read((linkedText + BigInt(offset)) as Address, length),
  };
}

/** Refuses a module of another kernel: the first word of its vermagic is the release that it was built for. */
function requireRelease({ name, vermagic }: ModuleObject, { release }: KernelImage): void {
  const [built] = vermagic.split(" ");
  if (built === release) return;
  throw new RebootlessError("usage", `${name} was built for ${built}, but the image is ${release}`, {
    hint: "Give the module from the image's own package.",
  });
}

/** Returns the kernel's memory followed by the module's, in which the module's code is in one piece. */
function joinMemory(
  kernel: LinkedMemory,
  { places, text, textSections }: Placement,
  { contents }: Relocated,
  linkedText: bigint,
): LinkedMemory {
  const code = new Uint8Array(text.size);
  const segments: Segment[] = [{ address: (linkedText + BigInt(text.at)) as Address, bytes: code }];
  for (const [index, bytes] of contents) {
    const place = places.get(index) ?? 0;
    if (textSections.some((section) => section.index === index)) code.set(bytes, place - text.at);
    else segments.push({ address: (linkedText + BigInt(place)) as Address, bytes });
  }
  const own = segmentMemory(segments);
  return {
    segments: [...kernel.segments, ...segments],
    contains: (at, length) => kernel.contains(at, length) || own.contains(at, length),
    read: (at, length) => (kernel.contains(at, length) ? kernel : own).read(at, length),
  };
}

function placedSections(
  sections: readonly ElfSection[],
  { places }: Placement,
  linkedText: bigint,
): readonly ElfSection[] {
  return sections.flatMap((section) => {
    const place = places.get(section.index);
    if (place === undefined || section.type === SECTION_TYPE.nobits) return [];
    return [{ ...section, address: (linkedText + BigInt(place)) as Address }];
  });
}

/** Returns the module's symbols in the order of the file. Those of code that stays in memory after init have type `t`. */
function placedSymbols(
  { symbols, sections }: ModuleObject,
  { places, textSections }: Placement,
  linkedText: bigint,
): readonly KernelSymbol[] {
  const lasting = new Set(textSections.map(({ index }) => index));
  return symbols.flatMap(({ name, section, value }) => {
    const place = places.get(section);
    if (name === "" || place === undefined || value >= BigInt(sections[section]?.size ?? 0)) return [];
    const address = (linkedText + BigInt(place) + value) as Address;
    return [{ name, type: lasting.has(section) ? "t" : "d", address }];
  });
}

function moduleSources(
  { sections }: ModuleObject,
  { places, text }: Placement,
  { symbols, linkedText }: KernelImage,
  bases: Bases,
): ModuleSources {
  const isText = within(text);
  const main = sections.find(({ name }) => name === ".text");
  // Since Linux 6.4 the kernel looks for lock prefixes in all of a module's code; before that only in the section .text.
  const isMain = within({ at: places.get(main?.index ?? 0) ?? 0, size: main?.size ?? 0 });
  return {
    isText,
    isImport: isImportOffset,
    hasLocks: hasRelocatingAlternatives(symbols) ? isText : isMain,
    staticCallKey: (key) => {
      const trampoline =
        symbols.startingAt(key as Address).find(({ name }) => name.startsWith(TRAMPOLINE_PREFIX))?.name ??
        bases.importAt(Number(key - linkedText));
      if (!trampoline?.startsWith(TRAMPOLINE_PREFIX)) return key;
      const name = KEY_PREFIX + trampoline.slice(TRAMPOLINE_PREFIX.length);
      return symbols.only(name)?.address ?? linkedText + BigInt(bases.import(name, trampoline).offset);
    },
  };
}

const within =
  ({ at, size }: { readonly at: number; readonly size: number }) =>
  (offset: number): boolean =>
    offset >= at && offset < at + size;
