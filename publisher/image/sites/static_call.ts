import { branchLength } from "../../x86/branch.ts";
import type { PatchSite } from "../patch_sites.ts";
import { codeAt, mapEntries, type SiteSources, siteOffset, symbolsTable } from "./sources.ts";

const TRAMPOLINE_PREFIX = "__SCT__";
const TRAMPOLINE_LENGTH = 8; // jmp or ret in 5 bytes, and 3 bytes by which it is known
const ENTRY_SIZE = 8;

/** Calls whose target is chosen at run time: { s32 site - ., s32 key - . }, and the trampolines they are linked to. */
export function staticCallSites(sources: SiteSources): readonly PatchSite[] {
  const table = symbolsTable(sources, "__start_static_call_sites", "__stop_static_call_sites");
  const sites = mapEntries(table, "static call sites", ENTRY_SIZE, (reader, at): PatchSite => {
    const code = at + BigInt(reader.s32());
    const length = branchLength(codeAt(sources, code, 2));
    return { kind: "static_call", at: siteOffset(sources, code), length };
  });
  return [...sites, ...trampolineSites(sources)];
}

/** No table lists the trampolines: they are the symbols of a prefix. */
function trampolineSites(sources: SiteSources): readonly PatchSite[] {
  return sources.symbols.all
    .filter(({ name }) => name.startsWith(TRAMPOLINE_PREFIX))
    .map(({ address }) => ({
      kind: "static_call_trampoline",
      at: siteOffset(sources, address),
      length: TRAMPOLINE_LENGTH,
    }));
}
