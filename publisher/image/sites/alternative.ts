import { textOffset } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import {
  type AlternativeForm,
  clearSites,
  type FeatureCondition,
  MAX_FORMS,
  type Site,
  siteLength,
} from "../../../shared/runpre/sites/site_kinds.ts";
import { LONGEST_NOP, readUnsigned } from "../../../shared/x86/code.ts";
import { BRANCH_LENGTH, CALL, JUMP, LOCK, NOP } from "../../../shared/x86/opcodes.ts";
import type { SymbolTable } from "../symbol_table.ts";
import { type AlternativeStyle, EARLY_STYLE, RELOCATING_STYLE } from "./alternative_code.ts";
import { type Alternative, alternativeTable } from "./alternative_table.ts";
import type { CallDepth } from "./call_depth.ts";
import { joinRelocations } from "./moved.ts";
import { type PatchSite, sitesWithin } from "./patch_site.ts";
import { codeAt, type SiteSources, siteOffset } from "./sources.ts";

const HALF_LINE = 32;
/** The instruction that a direct call replaces: `call *X(%rip)`. */
const CALL_POINTER = [0xff, 0x15] as const;
const CALL_POINTER_LENGTH = 6;

/**
 * Joins the other sites with the alternatives, instructions that are chosen by CPU features at boot
 * (ALTERNATIVE in the kernel's source). Entries for one place are one site; sites within its code become
 * sites of the form. An alternative that is not understood is an `unknown` site.
 * @param plain the other sites, sorted by place.
 * @returns all sites, sorted.
 */
export function composeAlternatives(
  sources: SiteSources,
  plain: readonly PatchSite[],
  callDepth: CallDepth,
): readonly PatchSite[] {
  const table = alternativeTable(sources);
  if (table === undefined) return plain;
  const style = table.entrySize === 12 ? EARLY_STYLE : laterStyle(sources);
  const composed: PatchSite[] = [];
  const taken = new Set<PatchSite>();
  for (const entries of groupBySite(table.entries)) {
    const region = regionOf(sources, entries);
    const within = sitesWithin(plain, region.at, region.at + region.length);
    for (const site of within) taken.add(site);
    // Nops before a label look like padding, but once alternatives are applied they are no longer single bytes.
    const inner = within.filter(({ kind }) => kind !== "call_padding" && kind !== "call_padding_open");
    composed.push(compose({ sources, style, callDepth, plain }, entries, region, inner));
  }
  return [...composed, ...plain.filter((site) => !taken.has(site))].sort((a, b) => a.at - b.at);
}

/**
 * Returns the style of kernels with the longer entries. Kernels of 6.3 to 6.6 have those entries, but apply
 * them in ways of their own, which are not understood.
 */
const laterStyle = ({ symbols }: SiteSources): AlternativeStyle | undefined =>
  hasRelocatingAlternatives(symbols) ? RELOCATING_STYLE : undefined;

export const hasRelocatingAlternatives = (symbols: SymbolTable): boolean =>
  ["text_poke_apply_relocation", "apply_relocation"].some((name) => symbols.named(name).length > 0);

/** Groups the entries by place, in table order: later ones are applied over earlier ones. */
function groupBySite(entries: readonly Alternative[]): readonly (readonly Alternative[])[] {
  const groups = new Map<bigint, Alternative[]>();
  for (const entry of entries) {
    const group = groups.get(entry.site);
    if (group === undefined) groups.set(entry.site, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

interface Region {
  readonly at: number;
  readonly length: number;
}

/**
 * Returns the bytes that the entries for a place cover. Nested alternatives pad to the longest, so all
 * entries for a place are taken to be that long (alternative.c, 6.12).
 */
function regionOf(sources: SiteSources, entries: readonly Alternative[]): Region {
  const first = entries[0]?.site ?? 0n;
  return {
    at: siteOffset(sources, first),
    length: entries.reduce((most, { length }) => Math.max(most, length), 0),
  };
}

interface Composer {
  readonly sources: SiteSources;
  readonly style: AlternativeStyle | undefined;
  readonly callDepth: CallDepth;
  /** All other sites, sorted by place. */
  readonly plain: readonly PatchSite[];
}

function compose(
  composer: Composer,
  entries: readonly Alternative[],
  region: Region,
  inner: readonly PatchSite[],
): PatchSite {
  const { at, length } = region;
  const isUnderstood =
    composer.style !== undefined &&
    entries.length < MAX_FORMS &&
    entries.every((entry) => !entry.hasUnknownFlags) &&
    (composer.style !== EARLY_STYLE || entries.every((entry) => entry.length === length));
  const base = isUnderstood ? baseForm(composer, composer.style, region, inner) : undefined;
  const replaced = entries.map((entry) =>
    base && composer.style ? replacedForm(composer, composer.style, entry, region, inner) : undefined,
  );
  const forms = [...replaced.reverse(), base];
  if (!forms.every((form) => form !== undefined))
    return { kind: "unknown", table: "alternative", at, length };
  return { kind: "alternative", at, length, forms };
}

/** Returns the form of the code as linked, but with nops joined and other rewritten sites applied. */
function baseForm(
  composer: Composer,
  style: AlternativeStyle,
  { at, length }: Region,
  inner: readonly PatchSite[],
): AlternativeForm | undefined {
  const sites: Site[] = [];
  for (const site of inner) {
    if (site.kind === "unknown" || site.kind === "fixed" || site.kind === "alternative") return undefined;
    if (site.at < at || site.at + siteLength(site) > at + length) return undefined;
    sites.push({ ...site, at: site.at - at });
  }
  const { sources } = composer;
  const code = codeAt(sources, sources.linkedText + BigInt(at), length).slice();
  // Calls through pv_ops were made direct before, and have no nops to join.
  for (const site of sites) if (site.kind === "paravirt") placeCall(code, site.at, site.length, style);
  style.joinNops(code);
  return finish(composer, null, code, at, [...sites, ...relocated(sources, at, length)], inner);
}

function placeCall(code: Uint8Array, at: number, length: number, style: AlternativeStyle): void {
  code.fill(NOP, at, at + length);
  code.set([CALL, 0, 0, 0, 0], at);
  const rest = code.subarray(at + BRANCH_LENGTH, at + length);
  style.joinNops(rest);
}

function replacedForm(
  composer: Composer,
  style: AlternativeStyle,
  entry: Alternative,
  { at, length }: Region,
  inner: readonly PatchSite[],
): AlternativeForm | undefined {
  const { sources, plain } = composer;
  if (entry.isDirectCall) return directCallForm(sources, entry, length);
  const from = siteOffset(sources, entry.replacement);
  const to = from + entry.replacementLength;
  const copied = copiedSites(sitesWithin(plain, from, to), from, at);
  if (copied === undefined || (copied.length > 0 && style === EARLY_STYLE)) return undefined;
  const code = new Uint8Array(length).fill(NOP);
  code.set(codeAt(sources, entry.replacement, entry.replacementLength));
  try {
    style.move(code, entry.replacementLength, from - at);
  } catch (error) {
    if (error instanceof RebootlessError) return undefined;
    throw error;
  }
  // A return that was shortened no longer has the form that its table requires.
  if (copied.some((site) => code[site.at] !== JUMP)) return undefined;
  style.joinNops(code);
  const sites = [...copied, ...relocated(sources, from, entry.replacementLength), ...locks(code, at, inner)];
  return finish(composer, entry.condition, code, at, sites, inner);
}

/**
 * Lists the sites of a replacement. Its return instructions are rewritten before it is copied, so the place
 * where they stood then decides. Other sites in it are not understood.
 */
function copiedSites(sites: readonly PatchSite[], from: number, to: number): readonly Site[] | undefined {
  const copied: Site[] = [];
  for (const site of sites) {
    if (site.kind === "call") continue;
    if (site.kind !== "return_thunk") return undefined;
    const at = site.at - from;
    const isSameHalf = ((to + at) & HALF_LINE) === (site.at & HALF_LINE);
    copied.push({ kind: isSameHalf ? "return_thunk" : "return_thunk_moved", at });
  }
  return copied;
}

/**
 * Returns the form of a direct call. The replacement names BUG_func; the kernel puts there the function that
 * the pointer names through which the code as linked calls.
 */
function directCallForm(
  sources: SiteSources,
  entry: Alternative,
  length: number,
): AlternativeForm | undefined {
  const code = codeAt(sources, entry.site, CALL_POINTER_LENGTH);
  const isCall = CALL_POINTER.every((byte, i) => code[i] === byte);
  if (!isCall || entry.length !== CALL_POINTER_LENGTH || length > LONGEST_NOP) return undefined;
  const operand = readUnsigned(code, CALL_POINTER.length, 4) | 0;
  const pointer = textOffset(siteOffset(sources, entry.site) + CALL_POINTER_LENGTH + operand);
  const sites = [{ kind: "paravirt", at: 0, length, pointer }] as const;
  return { condition: entry.condition, code: new Uint8Array(length), sites };
}

/** Returns the sites of the lock prefixes that are still in the code. */
const locks = (code: Uint8Array, at: number, inner: readonly PatchSite[]): readonly Site[] =>
  inner
    .filter((site) => site.kind === "smp_lock" && code[site.at - at] === LOCK)
    .map((site) => ({ kind: "smp_lock", at: site.at - at }));

const relocated = (sources: SiteSources, at: number, length: number): readonly Site[] =>
  sources.relocated(at, at + length).map((site) => ({ ...site, at: site.at - at }));

/**
 * Adds the calls that call depth tracking redirects to padding: one at the start, and those that its table
 * lists.
 */
function finish(
  composer: Composer,
  condition: FeatureCondition | null,
  code: Uint8Array,
  place: number,
  sites: readonly Site[],
  inner: readonly PatchSite[],
): AlternativeForm | undefined {
  const { callDepth } = composer;
  const known = new Set(sites.map((site) => site.at));
  const calls = ledPlaces(composer, condition, place, inner).filter(
    (at) =>
      !known.has(at) &&
      code[at] === CALL &&
      callDepth.isLed(place + at + BRANCH_LENGTH + (readUnsigned(code, at + 1, 4) | 0)),
  );
  const all = joinRelocations([...sites, ...calls.map((at) => ({ kind: "call", at }) as const)]);
  if (overlaps(all, code.length)) return undefined;
  clearSites(code, all);
  return { condition, code, sites: all };
}

/** Returns the places, in the code of a form, of the calls that are redirected if their functions have padding. */
function ledPlaces(
  { callDepth, sources }: Composer,
  condition: FeatureCondition | null,
  place: number,
  inner: readonly PatchSite[],
): readonly number[] {
  const listed = inner.filter((site) => site.kind === "call").map((site) => site.at - place);
  if (condition === null) return [...new Set([0, ...listed])];
  // In a module, and in newer kernels, calls are redirected before alternatives are applied. Redirected calls of the
  // code as linked are lost when it is replaced. The replacements of a module are redirected too, those of the kernel
  // are not: they lie outside of its text.
  if (sources.module !== undefined) return [0];
  return callDepth.landmarks?.beforeAlternatives ? [] : [...new Set([0, ...listed])];
}

function overlaps(sites: readonly Site[], length: number): boolean {
  let end = 0;
  for (const site of sites) {
    if (site.at < end) return true;
    end = site.at + siteLength(site);
  }
  return end > length;
}
