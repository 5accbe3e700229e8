import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { BTF_KIND, BTF_MEMBER, type BtfFile, type BtfRecord, openBtf } from "../../image/btf_records.ts";

/** The most types of one unit. The largest drivers have some 20,000. */
const MAX_UNIT_TYPES = 500_000;
/** The longest chain of typedefs and qualifiers. */
const MAX_NAMES = 64;

/** A member of a structure or union. */
export interface TypeMember {
  /** The name, which is empty for a member without one. */
  readonly name: string;
  readonly type: number;
  /** The offset in bits. */
  readonly at: number;
  /** The width of a bit-field in bits, or 0 for any other member. */
  readonly width: number;
}

/** A type of a unit. Other types are named by their numbers in the table, where 0 is `void`. */
export type UnitType =
  | { readonly kind: "void" | "other" }
  | {
      readonly kind: "number";
      readonly name: string;
      readonly size: number;
      readonly form: "integer" | "bool" | "float";
    }
  | { readonly kind: "pointer"; readonly type: number }
  | { readonly kind: "array"; readonly type: number; readonly length: number }
  | {
      readonly kind: "struct" | "union";
      readonly name: string;
      readonly size: number;
      readonly members: readonly TypeMember[];
    }
  | {
      readonly kind: "enum";
      readonly name: string;
      readonly size: number;
      readonly values: ReadonlyMap<string, bigint>;
    }
  /** A structure or union that is declared only. */
  | { readonly kind: "forward"; readonly name: string; readonly of: "struct" | "union" }
  | { readonly kind: "typedef"; readonly name: string; readonly type: number }
  | { readonly kind: "qualifier"; readonly word: string; readonly type: number }
  | { readonly kind: "prototype"; readonly result: number; readonly parameters: readonly number[] }
  | { readonly kind: "variable"; readonly name: string; readonly type: number };

/** The types that a unit uses, by number. */
export interface TypeTable {
  readonly types: readonly UnitType[];
  /** Returns a type. @throws ParseError if there is none of this number. */
  at(number: number): UnitType;
  /** Returns the type behind typedefs and qualifiers. @throws ParseError. */
  plain(number: number): UnitType;
}

/**
 * Reads the types of a unit.
 * @param btf the content of its section `.BTF`.
 * @throws ParseError.
 * @throws RebootlessError `limit`.
 */
export function typeTable(btf: Uint8Array): TypeTable {
  const file = openBtf(btf);
  const types: UnitType[] = [{ kind: "void" }];
  for (const record of file.records()) {
    if (types.length > MAX_UNIT_TYPES)
      throw new RebootlessError("limit", `a unit with more than ${MAX_UNIT_TYPES} types`);
    types.push(readType(file, record));
  }
  const at = (number: number): UnitType => {
    const type = types[number];
    if (type === undefined) throw new ParseError(`BTF: no type ${number} among ${types.length}`);
    return type;
  };
  const plain = (number: number): UnitType => {
    let type = at(number);
    for (let i = 0; type.kind === "typedef" || type.kind === "qualifier"; i++) {
      if (i === MAX_NAMES) throw new ParseError(`BTF: type ${number} has more than ${MAX_NAMES} names`);
      type = at(type.type);
    }
    return type;
  };
  return { types, at, plain };
}

const QUALIFIERS: ReadonlyMap<number, string> = new Map([
  [BTF_KIND.volatile, "volatile"],
  [BTF_KIND.const, "const"],
  [BTF_KIND.restrict, "restrict"],
  [BTF_KIND.typeTag, ""],
]);

function readType(file: BtfFile, record: BtfRecord): UnitType {
  const { kind, hasFlag, sizeOrType, more } = record;
  const name = file.text(record.nameAt);
  const word = QUALIFIERS.get(kind);
  if (word !== undefined) return { kind: "qualifier", word, type: sizeOrType };
  switch (kind) {
    case BTF_KIND.int:
      return { kind: "number", name, size: sizeOrType, form: isBool(more.u32()) ? "bool" : "integer" };
    case BTF_KIND.float:
      return { kind: "number", name, size: sizeOrType, form: "float" };
    case BTF_KIND.pointer:
      return { kind: "pointer", type: sizeOrType };
    case BTF_KIND.array: {
      const type = more.u32();
      return { kind: "array", type, length: more.skip(4).u32() };
    }
    case BTF_KIND.struct:
      return { kind: "struct", name, size: sizeOrType, members: readMembers(file, record) };
    case BTF_KIND.union:
      return { kind: "union", name, size: sizeOrType, members: readMembers(file, record) };
    case BTF_KIND.enum:
    case BTF_KIND.enum64:
      return { kind: "enum", name, size: sizeOrType, values: readValues(file, record) };
    case BTF_KIND.forward:
      return { kind: "forward", name, of: hasFlag ? "union" : "struct" };
    case BTF_KIND.typedef:
      return { kind: "typedef", name, type: sizeOrType };
    case BTF_KIND.prototype:
      return { kind: "prototype", result: sizeOrType, parameters: readParameters(record) };
    case BTF_KIND.variable:
      return { kind: "variable", name, type: sizeOrType };
    default:
      return { kind: "other" };
  }
}

/** Reads the encoding of an integer, of which 4 means `_Bool` (btf.rst, section 2.2.1). */
const isBool = (encoding: number): boolean => ((encoding >>> 24) & 4) !== 0;

function readMembers(file: BtfFile, { count, hasFlag, more }: BtfRecord): readonly TypeMember[] {
  return Array.from({ length: count }, (_, i) => {
    const base = i * BTF_MEMBER.size;
    const place = BTF_MEMBER.fields.place.read(more, base);
    return {
      name: file.text(BTF_MEMBER.fields.name.read(more, base)),
      type: BTF_MEMBER.fields.type.read(more, base),
      at: hasFlag ? place & 0xff_ffff : place,
      width: hasFlag ? place >>> 24 : 0,
    };
  });
}

/** Reads struct btf_enum and struct btf_enum64 (btf.rst, sections 2.2.6 and 2.2.19). */
function readValues(file: BtfFile, { kind, count, more }: BtfRecord): ReadonlyMap<string, bigint> {
  const values = new Map<string, bigint>();
  for (let i = 0; i < count; i++) {
    const name = file.text(more.u32());
    values.set(name, kind === BTF_KIND.enum64 ? more.s64() : BigInt(more.s32()));
  }
  return values;
}

function readParameters({ count, more }: BtfRecord): readonly number[] {
  return Array.from({ length: count }, () => more.skip(4).u32());
}
