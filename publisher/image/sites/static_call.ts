import { type Address, textOffset } from "../../../shared/brand.ts";
import type { StaticCallForm } from "../../../shared/runpre/sites/site_kinds.ts";
import { CALL, isConditionalJump, JUMP } from "../../../shared/x86/opcodes.ts";
import { STATIC_CALL_SITE } from "../kernel_tables.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, linkerTable, mapEntries, type SiteSources, siteOffset } from "./sources.ts";

export const TRAMPOLINE_PREFIX = "__SCT__";
export const KEY_PREFIX = "__SCK__";
const KEY_FLAGS = 3n; // bit 0: a tail call; bit 1: initialisation code
const LENGTH = 6;
const POINTER = 8;

/** Returns the calls whose target is chosen at run time, and the trampolines that they are linked to. */
export function staticCallSites(sources: SiteSources): readonly PatchSite[] {
  const table = linkerTable(
    sources,
    ".static_call_sites",
    "__start_static_call_sites",
    "__stop_static_call_sites",
  );
  const sites = mapEntries(table, "static call sites", STATIC_CALL_SITE.size, (entry): PatchSite => {
    const code = entry.target(STATIC_CALL_SITE.fields.code);
    const key = entry.target(STATIC_CALL_SITE.fields.key);
    const at = siteOffset(sources, code);
    const form = formOf(codeAt(sources, code, 2), (key & 1n) === 1n);
    if (form === undefined) return { kind: "unknown", table: "static_call", at, length: LENGTH };
    const named = key & ~KEY_FLAGS;
    const actual = sources.module ? sources.module.staticCallKey(named) : named;
    return keyedSite(sources, form, form === "conditional" ? at + 2 : at, actual);
  });
  return [...sites, ...trampolineSites(sources)];
}

function formOf(code: Uint8Array, isTail: boolean): StaticCallForm | undefined {
  const [first = 0, second = 0] = code;
  if (first === CALL) return isTail ? undefined : "call";
  if (!isTail) return undefined;
  if (first === JUMP) return "tail";
  return isConditionalJump(first, second) ? "conditional" : undefined;
}

/**
 * Returns the trampolines. No table lists them: they are the symbols with a prefix, and so are their keys.
 */
function trampolineSites(sources: SiteSources): readonly PatchSite[] {
  const { own } = sources;
  return own.all
    .filter(({ name }) => name.startsWith(TRAMPOLINE_PREFIX))
    .map(({ name, address }): PatchSite => {
      const key = own.only(KEY_PREFIX + name.slice(TRAMPOLINE_PREFIX.length))?.address;
      const at = siteOffset(sources, address);
      if (key === undefined) return { kind: "unknown", table: "static_call_trampoline", at, length: LENGTH };
      return keyedSite(sources, "trampoline", at, key);
    });
}

function keyedSite(sources: SiteSources, form: StaticCallForm, at: number, key: bigint): PatchSite {
  // `initiallyNull` matters only for trampolines, whose keys are at hand.
  const isKnown = sources.memory.contains(key as Address, POINTER);
  const initiallyNull = isKnown && codeAt(sources, key, POINTER).every((byte) => byte === 0);
  return { kind: "static_call", at, form, key: textOffset(siteOffset(sources, key)), initiallyNull };
}
