import type { TextOffset } from "../../brand.ts";
import type { ByteReader } from "../../byte_reader.ts";
import { counted } from "../../counted.ts";
import { ParseError } from "../../errors.ts";
import { BRANCH_LENGTH, CALL, JUMP } from "../../x86/opcodes.ts";
import { MAX_FUNCTION_SITES } from "../fingerprint.ts";
import { MAX_ITS_PAGES } from "../landmarks.ts";
import { MAX_BASES } from "../module/layout.ts";
import {
  type AlternativeForm,
  MAX_PARAVIRT_LENGTH,
  type PlainKind,
  type PlainSite,
  type RetpolineSite,
  type Site,
  type SiteKind,
  STATIC_CALL_FORMS,
  type StructuredSite,
  siteLength,
} from "../sites/site_kinds.ts";
import { KIND_SPACE, plainLength, plainSite, structuredKind } from "./site_codes.ts";
import { readSignedVarint, readVarint } from "./varint.ts";
import { RETPOLINE } from "./write_sites.ts";

/**
 * The tables that sites refer to by number. Both functions throw ParseError for a number that is not in the
 * table.
 */
export interface SiteTables {
  variable(number: number): TextOffset;
  /** Returns the forms, whose codes all have the same length. */
  alternative(number: number): readonly AlternativeForm[];
}

/**
 * Is shown sites one after the other. Nine in ten sites are of a plain kind: no object is made for those.
 */
export interface SiteVisitor {
  /** A kind of sites that are passed over. */
  readonly ignored: PlainKind | null;
  /** @param site a site of that kind, which stands for all: it says 0 in place of `at`. */
  plain(site: PlainSite, at: number): void;
  structured(site: StructuredSite): void;
}

/**
 * Shows the sites up to `end`, of code of `size` bytes. Each states its distance from the one before, so they
 * rise and do not overlap.
 * @throws ParseError
 */
export function visitSites(
  reader: ByteReader,
  end: number,
  size: number,
  tables: SiteTables,
  visitor: SiteVisitor,
): void {
  const { ignored } = visitor;
  let place = 0;
  for (let count = 0; reader.position < end; count++) {
    if (count === MAX_FUNCTION_SITES) throw new ParseError(`more than ${MAX_FUNCTION_SITES} sites`);
    const first = readVarint(reader);
    const code = first % KIND_SPACE;
    const at = place + (first - code) / KIND_SPACE;
    const plain = plainSite(code);
    if (plain !== undefined) {
      place = requireWithin(plain.kind, at + plainLength(code), size);
      if (plain.kind !== ignored) visitor.plain(plain, at);
    } else {
      const site = readSite(reader, code, at, tables);
      place = requireWithin(site.kind, at + siteLength(site), size);
      visitor.structured(site);
    }
  }
  if (reader.position !== end) throw new ParseError("the last site reaches into what follows");
}

function requireWithin(kind: SiteKind, end: number, size: number): number {
  if (end <= size) return end;
  throw new ParseError(`a ${kind} site reaches to ${end} of ${size}`);
}

const NO_SITES: readonly Site[] = [];

/** Returns the sites that `visitSites` shows. @throws ParseError */
export function readSites(
  reader: ByteReader,
  end: number,
  size: number,
  tables: SiteTables,
): readonly Site[] {
  if (reader.position === end) return NO_SITES;
  const sites: Site[] = [];
  visitSites(reader, end, size, tables, {
    ignored: null,
    plain: ({ kind }, at) => sites.push({ kind, at }),
    structured: (site) => sites.push(site),
  });
  return sites;
}

function readSite(reader: ByteReader, code: number, at: number, tables: SiteTables): StructuredSite {
  const kind = structuredKind(code);
  switch (kind) {
    case undefined:
      throw new ParseError(`${code} is not a kind of site that this version knows`);
    case "alternative": {
      const forms = tables.alternative(readVarint(reader));
      return { kind, at, length: forms[0]?.code.length ?? 0, forms };
    }
    case "jump_label": {
      const packed = readVarint(reader);
      const key = tables.variable(Math.floor(packed / 4));
      const target = readSignedVarint(reader);
      return { kind, at, length: (packed & 2) === 0 ? 2 : 5, target, key, branch: (packed & 1) === 1 };
    }
    case "static_call": {
      const packed = readVarint(reader);
      const form = STATIC_CALL_FORMS[(packed >> 1) & 3] ?? "call";
      const key = tables.variable(Math.floor(packed / 8));
      return { kind, at, form, key, initiallyNull: (packed & 1) === 1 };
    }
    case "paravirt": {
      const packed = readVarint(reader);
      const length = packed & 15;
      if (length < BRANCH_LENGTH || length > MAX_PARAVIRT_LENGTH) {
        throw new ParseError(`a call through pv_ops of ${counted(length, "byte")}`);
      }
      return { kind, at, length, pointer: tables.variable(Math.floor(packed / 16)) };
    }
    case "retpoline":
      return readRetpoline(reader, at);
    case "runtime_constant": {
      const packed = readVarint(reader);
      return {
        kind,
        at,
        length: (packed & 1) === 0 ? 1 : 8,
        variable: tables.variable(Math.floor(packed / 2)),
      };
    }
    case "runtime_mask":
      return { kind, at, variable: tables.variable(readVarint(reader)) };
    case "moved": {
      const packed = readVarint(reader);
      const length = (packed & 2) === 0 ? 4 : 8;
      return { kind, at, length, base: baseNumber(packed >> 2), relative: (packed & 1) === 1 };
    }
    case "moved_call":
      return { kind, at, base: baseNumber(readVarint(reader)) };
  }
}

function baseNumber(number: number): number {
  if (number < MAX_BASES) return number;
  throw new ParseError(`base ${number} of a module's layout, which has at most ${MAX_BASES}`);
}

function readRetpoline(reader: ByteReader, at: number): RetpolineSite {
  const packed = reader.u8();
  const isJump = (packed & RETPOLINE.jump) !== 0;
  const isConditional = (packed & RETPOLINE.conditional) !== 0;
  if (isJump && isConditional) throw new ParseError("a retpoline of no kind");
  let opcode = isJump ? JUMP : CALL;
  if (isConditional) {
    opcode = reader.u8();
    if (opcode < 0x80 || opcode > 0x8f) throw new ParseError(`${opcode} is not a conditional jump`);
  }
  const its = (packed & RETPOLINE.its) === 0 ? null : readVarint(reader);
  if (its !== null && its >= 4096 * MAX_ITS_PAGES) throw new ParseError(`${its} is not the place of a thunk`);
  const length = (packed & RETPOLINE.long) === 0 ? 5 : 6;
  return { kind: "retpoline", at, length, opcode, register: packed & 15, its };
}
