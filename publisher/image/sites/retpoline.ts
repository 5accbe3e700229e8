import { type TextOffset, textOffset } from "../../../shared/brand.ts";
import { ByteReader } from "../../../shared/byte_reader.ts";
import type { ItsReference } from "../../../shared/runpre/landmarks.ts";
import type { RetpolineSite } from "../../../shared/runpre/sites/site_kinds.ts";
import { CALL, CS_PREFIX, isConditionalJump, JUMP } from "../../../shared/x86/opcodes.ts";
import type { PatchSite, UnknownSite } from "./patch_site.ts";
import { codeAt, isKept, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

export interface Retpolines {
  readonly sites: readonly PatchSite[];
  readonly itsPages: readonly (readonly ItsReference[])[];
}

/** The array of thunks of the 16 registers, `stride` bytes apart, from `start` on. */
export interface ThunkArray {
  readonly start: TextOffset;
  readonly stride: number;
}

const REGISTERS = 16;

/**
 * Returns the calls and jumps to the thunks of indirect branches, which are inlined where the CPU needs no
 * thunk.
 */
export function retpolineSites(sources: SiteSources): Retpolines {
  const thunks = thunkArray(sources);
  const allocate = itsAllocator();
  const references: ItsReference[][] = [];
  const addresses = relativeTargets(sectionTable(sources, ".retpoline_sites"), ".retpoline_sites");
  const sites = addresses.map((address): PatchSite => {
    const site = siteAt(sources, thunks, address);
    if (site.kind === "unknown") return site;
    const its = itsThunk(site, allocate);
    if (its !== null) refer(references, site, its, isKept(sources, site.at));
    return { ...site, its };
  });
  return { sites, itsPages: references };
}

/**
 * Finds `__x86_indirect_thunk_array`. Returns undefined if the kernel has none. The first two thunks are
 * those of rax and rcx.
 */
export function thunkArray({ symbols, linkedText }: SiteSources): ThunkArray | undefined {
  const start = symbols.only("__x86_indirect_thunk_array")?.address;
  const second = symbols.only("__x86_indirect_thunk_rcx")?.address;
  if (start === undefined || second === undefined || second <= start) return undefined;
  return { start: textOffset(Number(start - linkedText)), stride: Number(second - start) };
}

function siteAt(
  sources: SiteSources,
  thunks: ThunkArray | undefined,
  address: bigint,
): RetpolineSite | UnknownSite {
  const at = siteOffset(sources, address);
  const code = codeAt(sources, address, 6);
  const [first = 0, second = 0] = code;
  const isConditional = isConditionalJump(first, second);
  const length = isConditional || first === CS_PREFIX ? 6 : 5;
  const opcode = length === 6 ? second : first;
  const target = at + length + new ByteReader(code, "branch", length - 4).s32();
  const register = thunks === undefined ? -1 : (target - thunks.start) / thunks.stride;
  const isKnown = isConditional || opcode === CALL || opcode === JUMP;
  if (!isKnown || !Number.isInteger(register) || register < 0 || register >= REGISTERS) {
    return { kind: "unknown", table: "retpoline", at, length };
  }
  return { kind: "retpoline", at, length, opcode, register, its: null };
}

const PAGE = 4096;
const HALF_LINE = 32;

/**
 * Makes a function that tells where the kernel puts the thunks that it makes for ITS, one after the other as
 * it goes through its table: only in upper halves of 64-byte lines, in pages of which the first half line is
 * left out (arch/x86/kernel/alternative.c, its_allocate_thunk()). The result is 4096 times the page's number,
 * plus the place in it.
 */
function itsAllocator(): (register: number) => number {
  let page = -1;
  let next = PAGE;
  return (register) => {
    const size = 3 + (register >> 3);
    if (next + size - 1 >= PAGE) {
      page++;
      next = HALF_LINE;
    }
    if ((next + size - 1) % (2 * HALF_LINE) < HALF_LINE) next = ((next - 1) | 0x3f) + 1 + HALF_LINE;
    const thunk = page * PAGE + next;
    next += size;
    return thunk;
  };
}

/**
 * Returns the ITS thunk of a branch. A branch gets one if its last byte would lie in the lower half of a line
 * (cpu_wants_indirect_its_thunk_at()).
 */
function itsThunk(site: RetpolineSite, allocate: (register: number) => number): number | null {
  const isConditional = site.opcode !== CALL && site.opcode !== JUMP;
  const last = site.at + (isConditional ? 2 : 0) + 1 + (site.register >> 3);
  return (last & HALF_LINE) === 0 ? allocate(site.register) : null;
}

const REFERENCES = 2;

function refer(references: ItsReference[][], site: RetpolineSite, its: number, kept: boolean): void {
  const page = Math.floor(its / PAGE);
  references[page] ??= [];
  const known = references[page];
  if (kept && known !== undefined && known.length < REFERENCES) {
    known.push({ at: textOffset(site.at), length: site.length, thunk: its % PAGE });
  }
}
