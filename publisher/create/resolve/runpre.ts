import { equalBytes, toHex } from "../../../shared/bytes.ts";
import { R_X86_64, RELOCATION_FIELDS } from "../../../shared/elf/rela.ts";
import { BRANCH_LENGTH, JUMP, SHORT_JUMP, SHORT_JUMP_LENGTH } from "../../../shared/x86/opcodes.ts";
import type { Piece, Reference, Unit } from "../object/pieces.ts";
import type { ShippedObject } from "./shipped_object.ts";

/**
 * The result of comparing a function's compiled old version with the function that the distribution ships.
 */
export type RunpreMatch =
  /** `size` is that of the shipped function, in bytes. */
  | { readonly kind: "match"; readonly address: bigint; readonly size: number }
  | { readonly kind: "absent" }
  /** The first difference, in the candidate that comes closest. */
  | { readonly kind: "mismatch"; readonly at: number; readonly reason: string }
  | { readonly kind: "ambiguous"; readonly candidates: number };

/**
 * The result of comparing a whole unit: an outcome for each function, and the addresses of everything that
 * the functions refer to.
 */
export interface UnitMatch {
  readonly functions: ReadonlyMap<Piece, RunpreMatch>;
  /** The addresses of pieces of the unit in the shipped object. */
  readonly addresses: ReadonlyMap<Piece, bigint>;
  /** The addresses of symbols that the unit does not define. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** The addresses that a matching candidate implies. */
interface Findings {
  readonly addresses: ReadonlyMap<Piece, bigint>;
  readonly symbols: ReadonlyMap<string, bigint>;
}

type Comparison =
  | { readonly kind: "match"; readonly findings: Findings; readonly size: number }
  | { readonly kind: "mismatch"; readonly at: number; readonly reason: string };

/**
 * Compares every function of a unit's old version with the shipped object, byte by byte. References are
 * compared by what they refer to. Names that the object has only once go first: what they refer to tells the
 * candidates of the others apart.
 */
export function matchUnit(unit: Unit, shipped: ShippedObject): UnitMatch {
  const known = new Known();
  const functions = new Map<Piece, RunpreMatch>();
  const candidatesOf = (piece: Piece): readonly bigint[] => [
    ...new Set(piece.names.flatMap((name) => shipped.named(name).map(({ address }) => address))),
  ];
  const named = unit.pieces.filter(
    ({ role, names, size }) => role === "code" && names.length > 0 && size > 0,
  );
  let left = named.map((piece) => ({ piece, candidates: candidatesOf(piece) }));
  for (let progress = true; progress; ) {
    progress = false;
    const undecided: typeof left = [];
    for (const { piece, candidates } of left) {
      const bound = known.addresses.get(piece);
      const places = candidates.length > 1 && bound !== undefined ? [bound] : candidates;
      const outcome = matchFunction(unit, piece, places, shipped, known);
      if (outcome.kind === "ambiguous") {
        undecided.push({ piece, candidates });
        functions.set(piece, outcome);
        continue;
      }
      functions.set(piece, outcome);
      progress = true;
    }
    left = undecided;
    progress = followData(unit, shipped, known) || progress;
  }
  return { functions, addresses: known.addresses, symbols: known.symbols };
}

/**
 * Learns addresses from data, too: tables of functions tell where functions lie, if their own place is known.
 * @returns whether anything was learnt.
 */
function followData(unit: Unit, shipped: ShippedObject, known: Known): boolean {
  const before = known.addresses.size;
  const data = unit.pieces.filter(({ role, references }) => role === "data" && references.length > 0);
  for (let size = -1; size !== known.addresses.size; ) {
    size = known.addresses.size;
    for (const piece of data) {
      const address = known.addresses.get(piece) ?? onlyPlace(piece, shipped);
      const found =
        address === undefined ? undefined : compareReferences(unit, piece, address, shipped, known);
      if (found?.kind === "match") known.add(found.findings);
    }
  }
  return known.addresses.size > before;
}

function onlyPlace({ names }: Piece, shipped: ShippedObject): bigint | undefined {
  const [only, ...others] = names.flatMap((name) => shipped.named(name));
  return others.length === 0 ? only?.address : undefined;
}

class Known {
  readonly addresses = new Map<Piece, bigint>();
  readonly symbols = new Map<string, bigint>();
  add({ addresses, symbols }: Findings): void {
    for (const [piece, address] of addresses) this.addresses.set(piece, address);
    for (const [name, address] of symbols) this.symbols.set(name, address);
  }
}

function matchFunction(
  unit: Unit,
  piece: Piece,
  candidates: readonly bigint[],
  shipped: ShippedObject,
  known: Known,
): RunpreMatch {
  if (candidates.length === 0) return { kind: "absent" };
  let closest: Extract<RunpreMatch, { kind: "mismatch" }> | undefined;
  const matches: { readonly address: bigint; readonly findings: Findings; readonly size: number }[] = [];
  for (const address of candidates) {
    const comparison = compareAt(unit, piece, address, shipped, known);
    if (comparison.kind === "match") matches.push({ address, ...comparison });
    else if (closest === undefined || comparison.at > closest.at) closest = comparison;
  }
  const [match, ...others] = matches;
  if (match === undefined) return closest ?? { kind: "absent" };
  if (others.length > 0) return { kind: "ambiguous", candidates: matches.length };
  known.add(match.findings);
  known.addresses.set(piece, match.address);
  return { kind: "match", address: match.address, size: match.size };
}

function compareAt(
  unit: Unit,
  piece: Piece,
  address: bigint,
  shipped: ShippedObject,
  known: Known,
): Comparison {
  const there = shipped.bytes(address, piece.size) ?? shipped.bytes(address, piece.size - SHORTER);
  if (there === undefined)
    return { kind: "mismatch", at: 0, reason: "the shipped object ends before it does" };
  const isShort = isShortened(piece, there);
  const at = firstDifference(piece, there, isShort ? piece.size - BRANCH_LENGTH : piece.size);
  if (at === undefined) return compareReferences(unit, piece, address, shipped, known, isShort);
  const [compiled, found] = [piece.bytes, there].map((bytes) =>
    toHex(bytes, at, Math.min(at + 8, bytes.length)),
  );
  return { kind: "mismatch", at, reason: `compiled ${compiled}, shipped ${found}` };
}

/**
 * Compares what a piece refers to with what the shipped piece at an address refers to. If all references
 * agree, it returns the addresses that this implies.
 */
function compareReferences(
  unit: Unit,
  piece: Piece,
  address: bigint,
  shipped: ShippedObject,
  known: Known,
  isShort = false,
): Comparison {
  const found = { addresses: new Map<Piece, bigint>([[piece, address]]), symbols: new Map<string, bigint>() };
  for (const reference of piece.references) {
    const isLast = isShort && reference === piece.references.at(-1);
    const place = isLast ? shortTarget(piece, address, shipped) : operandOf(reference, address, shipped);
    const reason =
      place === undefined
        ? "the shipped object has no value there"
        : referenceFault(unit, reference, place, shipped, known, found);
    if (reason !== undefined) return { kind: "mismatch", at: reference.offset, reason };
  }
  return { kind: "match", findings: found, size: isShort ? piece.size - SHORTER : piece.size };
}

/** Returns the address that a reference in the shipped code refers to. */
function operandOf(
  { offset, type, bias }: Reference,
  address: bigint,
  shipped: ShippedObject,
): bigint | undefined {
  const operand = shipped.operand(address + BigInt(offset), type);
  return operand === undefined ? undefined : operand + BigInt(bias);
}

/** Returns the target of the short jump at the end of the shipped code. */
function shortTarget({ size }: Piece, address: bigint, shipped: ShippedObject): bigint | undefined {
  const end = address + BigInt(size - SHORTER);
  const [distance] = shipped.bytes(end - 1n, 1) ?? [];
  return distance === undefined ? undefined : end + BigInt((distance << 24) >> 24);
}

/**
 * Reports whether a function that ends with a jump to another one ends with a short jump in the shipped code.
 * With a section for each function, the assembler does not know the distances and makes every such jump a
 * long one.
 */
function isShortened({ bytes, references, size }: Piece, there: Uint8Array): boolean {
  const at = size - BRANCH_LENGTH;
  const last = references.at(-1);
  return last?.offset === at + 1 && last.isBranch && bytes[at] === JUMP && there[at] === SHORT_JUMP;
}

const SHORTER = BRANCH_LENGTH - SHORT_JUMP_LENGTH;

function firstDifference({ bytes, references }: Piece, there: Uint8Array, end: number): number | undefined {
  let from = 0;
  for (const { offset, type } of [...references, { offset: end, type: 0 }]) {
    for (let at = from; at < Math.min(offset, end); at++) if (bytes[at] !== there[at]) return at;
    from = offset + (RELOCATION_FIELDS.get(type)?.size ?? 0);
  }
  return undefined;
}

/**
 * Returns why an operand does not mean the same as the reference, or undefined if it does. Adds the addresses
 * that the operand implies to `found`.
 */
function referenceFault(
  unit: Unit,
  { target }: Reference,
  place: bigint,
  shipped: ShippedObject,
  known: Known,
  found: { readonly addresses: Map<Piece, bigint>; readonly symbols: Map<string, bigint> },
): string | undefined {
  const address = BigInt.asUintN(64, place - BigInt(target.offset));
  if (target.kind === "symbol") {
    const candidates = shipped.addressesOf(target.name);
    if (candidates.length > 0 && !candidates.includes(address)) return `it does not refer to ${target.name}`;
    return bind(found.symbols, known.symbols, target.name, address)
      ? undefined
      : `two places for ${target.name}`;
  }
  const piece = unit.pieces[target.piece];
  if (piece === undefined) return "it refers to nothing";
  if (target.isEntry) {
    const about = shipped.operand(place, R_X86_64.PC32);
    const start = about === undefined ? undefined : BigInt.asUintN(64, about - BigInt(target.offset));
    return start !== undefined && bind(found.addresses, known.addresses, piece, start)
      ? undefined
      : "it does not refer to the entry of the bug table about itself";
  }
  const [name] = piece.names;
  if (piece.role === "string" || piece.role === "constant" || (name === undefined && !piece.isWritable)) {
    return sameContent(piece, target.offset, place, shipped) ? undefined : "it refers to another constant";
  }
  if (piece.names.length > 0) {
    const candidates = piece.names.flatMap((one) => shipped.named(one).map((symbol) => symbol.address));
    if (candidates.length > 0 && !candidates.includes(address)) return `it does not refer to ${name}`;
  }
  if (name === undefined) return undefined;
  return bind(found.addresses, known.addresses, piece, address) ? undefined : `two places for ${name}`;
}

function bind<K>(found: Map<K, bigint>, known: ReadonlyMap<K, bigint>, key: K, address: bigint): boolean {
  const before = found.get(key) ?? known.get(key);
  found.set(key, address);
  return before === undefined || before === address;
}

/**
 * Compares the content of a constant with the shipped bytes: all of a constant, but of a string only the part
 * after the place referred to. Content with references of its own is not compared.
 */
function sameContent(piece: Piece, offset: number, place: bigint, shipped: ShippedObject): boolean {
  if (piece.references.length > 0 || piece.bytes.length === 0) return true;
  const from = piece.role === "string" ? Math.max(offset, 0) : 0;
  const there = shipped.bytes(place - BigInt(offset - from), piece.bytes.length - from);
  return there !== undefined && equalBytes(there, piece.bytes.subarray(from));
}
