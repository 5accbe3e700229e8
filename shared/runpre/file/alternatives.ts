import { ByteReader } from "../../byte_reader.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import { MAX_FEATURE } from "../landmarks.ts";
import {
  type AlternativeForm,
  type AlternativeSite,
  type FeatureCondition,
  isCleared,
  MAX_ALTERNATIVE_LENGTH,
  MAX_FORMS,
} from "../sites/site_kinds.ts";
import { readSites, type SiteTables } from "./read_sites.ts";
import { pushVarint, readVarint } from "./varint.ts";
import { pushSites, type SiteNumbers } from "./write_sites.ts";

/**
 * The most different alternatives in a file. A kernel has some thousands. Each stays in memory once it was
 * decoded, in some thirty times its bytes.
 */
export const MAX_ALTERNATIVES = 65_536;
export const MAX_ALTERNATIVES_BYTES = 4 * 1024 * 1024;

/*
 * The alternatives of all functions, each written once: its length in the file, the length of its code (a
 * byte), and its forms up to its end. A form is: 0, or 1 + 2 x feature + 1 if the feature must be present;
 * the code; the number of bytes of its sites, and those bytes.
 */

export function encodeAlternative(site: AlternativeSite, numbers: SiteNumbers): Uint8Array {
  const out = [site.length];
  for (const { condition, code, sites } of site.forms) {
    pushVarint(out, condition === null ? 0 : 1 + 2 * condition.feature + Number(condition.present));
    out.push(...code);
    const inner: number[] = [];
    pushSites(inner, sites, numbers);
    pushVarint(out, inner.length);
    out.push(...inner);
  }
  return Uint8Array.from(out);
}

export function joinAlternatives(records: readonly Uint8Array[]): Uint8Array {
  const out: number[] = [];
  for (const record of records) {
    pushVarint(out, record.length);
    for (const byte of record) out.push(byte);
  }
  return Uint8Array.from(out);
}

/**
 * Splits the alternatives into one record for each.
 * @throws ParseError
 * @throws RebootlessError `limit`
 */
export function splitAlternatives(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length > MAX_ALTERNATIVES_BYTES) {
    throw new RebootlessError(
      "limit",
      `${bytes.length} bytes of alternatives, at most ${MAX_ALTERNATIVES_BYTES}`,
    );
  }
  const reader = new ByteReader(bytes, "alternatives of a fingerprint file");
  const records: Uint8Array[] = [];
  while (reader.remaining > 0) {
    if (records.length === MAX_ALTERNATIVES) {
      throw new RebootlessError("limit", `more than ${MAX_ALTERNATIVES} alternatives`);
    }
    records.push(reader.take(readVarint(reader)));
  }
  return records;
}

/**
 * Returns a function that gives the forms of alternatives. Each is decoded when it is first used.
 * @param kept chooses what is given, and kept in memory, of the forms.
 * @throws ParseError when an alternative is decoded.
 */
export function decodeAlternatives(
  records: readonly Uint8Array[],
  variable: SiteTables["variable"],
  kept: (forms: readonly AlternativeForm[]) => readonly AlternativeForm[],
): SiteTables["alternative"] {
  const known: (readonly AlternativeForm[])[] = [];
  return (number) => {
    const record = records[number];
    if (record === undefined) throw new ParseError(`alternative ${number} of ${records.length}`);
    known[number] ??= kept(decodeAlternative(record, { variable, alternative: noneWithin }));
    return known[number];
  };
}

const noneWithin = (): never => {
  throw new ParseError("an alternative within an alternative");
};

function decodeAlternative(record: Uint8Array, tables: SiteTables): readonly AlternativeForm[] {
  const reader = new ByteReader(record, "alternative");
  const length = reader.u8();
  if (length === 0 || length > MAX_ALTERNATIVE_LENGTH) throw new ParseError("an alternative of no bytes");
  const forms: AlternativeForm[] = [];
  while (reader.remaining > 0) {
    if (forms.length === MAX_FORMS) throw new ParseError(`an alternative of more than ${MAX_FORMS} forms`);
    forms.push(decodeForm(reader, length, tables));
  }
  if (
    forms.length === 0 ||
    forms.some(({ condition }, i) => (condition === null) !== (i === forms.length - 1))
  ) {
    throw new ParseError("the last form of an alternative, and no other, must be unconditional");
  }
  return forms;
}

function decodeForm(reader: ByteReader, length: number, tables: SiteTables): AlternativeForm {
  const condition = decodeCondition(readVarint(reader));
  const code = reader.take(length);
  const end = readVarint(reader) + reader.position;
  const sites = readSites(reader, end, length, tables);
  if (!isCleared(code, sites))
    throw new ParseError("bytes that are not zero at a site that is compared by value");
  return { condition, code, sites };
}

function decodeCondition(packed: number): FeatureCondition | null {
  if (packed === 0) return null;
  const feature = Math.floor((packed - 1) / 2);
  if (feature >= MAX_FEATURE) throw new ParseError(`feature ${feature} of ${MAX_FEATURE}`);
  return { feature, present: packed % 2 === 0 };
}
