import { ParseError } from "../../../shared/errors.ts";
import { partitionPoint } from "../../../shared/partition_point.ts";
import { readUnsigned } from "../../../shared/x86/code.ts";
import { BRANCH_LENGTH, CALL, CS_PREFIX } from "../../../shared/x86/opcodes.ts";
import { decodeInstruction, type Instruction } from "../../x86/length.ts";
import { codeAt, type SiteSources } from "./sources.ts";

/*
 * A kernel's own code tells how that kernel rewrites its code. So the code is read where versions differ: a version's
 * number says nothing, because distributions port changes back.
 */

/** The largest function that is read, in bytes. */
const MAX_CODE = 16_384;

/** An instruction, and its place in the kernel. */
interface PlacedInstruction extends Instruction {
  readonly address: bigint;
  readonly code: Uint8Array;
}

/** Returns the instructions of a function of the kernel, or none if the kernel does not have it. */
function instructionsOf({ symbols, ...sources }: SiteSources, name: string): readonly PlacedInstruction[] {
  const start = symbols.only(name)?.address;
  if (start === undefined) return [];
  const next = partitionPoint(symbols.all.length, (i) => (symbols.all[i]?.address ?? 0n) <= start);
  const size = Number((symbols.all[next]?.address ?? start) - start);
  if (size > MAX_CODE) throw new ParseError(`${name} has ${size} bytes, at most ${MAX_CODE}`);
  const code = codeAt({ symbols, ...sources }, start, size);
  const instructions: PlacedInstruction[] = [];
  for (let at = 0; at < size; ) {
    const instruction = decodeInstruction(code, at);
    const bytes = code.subarray(at, at + instruction.length);
    instructions.push({ ...instruction, address: start + BigInt(at), code: bytes });
    at += instruction.length;
  }
  return instructions;
}

const MOVE_BYTE = 0xc6;
const SIB_WITHOUT_DISPLACEMENT = 0x04;
const NO_INDEX = 0x20;

/**
 * Reports whether the kernel fills the room that an inlined indirect call leaves with prefixes (6.18 and later). It then
 * has a loop that stores the prefix at a place with an index (arch/x86/kernel/alternative.c, emit_indirect()).
 */
export const prefixesCalls = (sources: SiteSources): boolean =>
  instructionsOf(sources, "apply_retpolines").some(({ code, prefixes, opcode, immediate }) => {
    const [operation, operand] = opcode;
    const index = (code[prefixes + 2] ?? 0) & 0x38;
    return (
      operation === MOVE_BYTE &&
      operand === SIB_WITHOUT_DISPLACEMENT &&
      index !== NO_INDEX &&
      immediate !== null &&
      code[immediate.at] === CS_PREFIX
    );
  });

/**
 * Reports whether the kernel leads calls to padding before it applies alternatives (6.16 and later):
 * alternative_instructions() calls two functions, one after the other.
 */
export function leadsCallsFirst(sources: SiteSources): boolean {
  const called = instructionsOf(sources, "alternative_instructions").flatMap(
    ({ address, opcode: [operation], code }) =>
      operation === CALL ? [address + BigInt(BRANCH_LENGTH + (readUnsigned(code, 1, 4) | 0))] : [],
  );
  const orderOf = (name: string): number => called.indexOf(sources.symbols.only(name)?.address ?? -1n);
  const lead = orderOf("callthunks_patch_builtin_calls");
  return lead >= 0 && lead < orderOf("apply_alternatives");
}

const SIGNED_IMMEDIATE = 4;

/**
 * Reports whether a function of the kernel names an address in an operand: as an immediate value, or relative to the
 * instruction.
 */
export function namesAddress(sources: SiteSources, name: string, address: bigint): boolean {
  return instructionsOf(sources, name).some(({ address: at, length, code, immediate, ripRelative }) => {
    const immediateValue =
      immediate?.size === SIGNED_IMMEDIATE ? BigInt(readUnsigned(code, immediate.at, 4) | 0) : undefined;
    const operand =
      ripRelative === null
        ? undefined
        : at + BigInt(length) + BigInt(readUnsigned(code, ripRelative.at, 4) | 0);
    return (
      operand === address || (immediateValue !== undefined && BigInt.asUintN(64, immediateValue) === address)
    );
  });
}
