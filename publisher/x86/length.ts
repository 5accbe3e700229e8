import { counted } from "../../shared/counted.ts";
import { ParseError } from "../../shared/errors.ts";
import { ESCAPE } from "../../shared/x86/opcodes.ts";

/*
 * Finds the length of x86-64 instructions and where their operands are, as the kernel's own decoder
 * (arch/x86/lib/insn.c) does for the code that rewrites alternatives. See Intel SDM volume 2, appendix A.
 */

/** A field of an instruction. The offset `at` and the size are in bytes, from the instruction's start. */
export interface OperandField {
  readonly at: number;
  readonly size: number;
}

export interface Instruction {
  readonly length: number;
  /** The number of bytes of legacy and REX prefixes. The opcode starts after them. */
  readonly prefixes: number;
  /**
   * The first two bytes from the opcode's start on. The opcode has one byte, two (0f xx), or more in the larger maps; two
   * are enough to recognise branches and nops.
   */
  readonly opcode: readonly [number, number];
  /** The displacement, if the operand's address is relative to the instruction's end. */
  readonly ripRelative: OperandField | null;
  readonly immediate: OperandField | null;
}

/*
 * The tables have one letter for each opcode, which says what follows it: `-` nothing, `m` ModRM, `b` imm8, `w` imm16,
 * `z` imm32 (16 bits with prefix 66), `v` the same or 64 bits with REX.W, `d` always imm32, `o` an address, `e` imm16 and
 * imm8. `B` and `Z` stand for ModRM followed by what `b` and `z` stand for. `t` is ModRM, and an immediate if the
 * register field is 0 or 1 (test). `p` is a prefix. `x` is invalid or handled elsewhere.
 */
const ONE_BYTE = [
  "mmmmbzxxmmmmbzxx", // 00
  "mmmmbzxxmmmmbzxx", // 10
  "mmmmbzpxmmmmbzpx", // 20
  "mmmmbzpxmmmmbzpx", // 30
  "pppppppppppppppp", // 40: REX
  "----------------", // 50
  "xxxmppppzZbB----", // 60
  "bbbbbbbbbbbbbbbb", // 70
  "BZxBmmmmmmmmmmmm", // 80
  "----------x-----", // 90
  "oooo----bz------", // a0
  "bbbbbbbbvvvvvvvv", // b0
  "BBw-xxBZe-w--bx-", // c0
  "mmmmxxx-mmmmmmmm", // d0
  "bbbbbbbbddxb----", // e0
  "p-pp--tt------mm", // f0
].join("");

const TWO_BYTE = [
  "mmmmx-----x-xm-x", // 00
  "mmmmmmmmmmmmmmmm", // 10
  "mmmmxxxxmmmmmmmm", // 20
  "------x-xxxxxxxx", // 30
  "mmmmmmmmmmmmmmmm", // 40
  "mmmmmmmmmmmmmmmm", // 50
  "mmmmmmmmmmmmmmmm", // 60
  "BBBBmmm-mmmmmmmm", // 70
  "dddddddddddddddd", // 80
  "mmmmmmmmmmmmmmmm", // 90
  "---mBmxx---mBmmm", // a0
  "mmmmmmmmmmBmmmmm", // b0
  "mmBmBBBm--------", // c0
  "mmmmmmmmmmmmmmmm", // d0
  "mmmmmmmmmmmmmmmm", // e0
  "mmmmmmmmmmmmmmmm", // f0
].join("");

const OPERAND_SIZE = 0x66;
const ADDRESS_SIZE = 0x67;
const MAX_LENGTH = 15;

/** Decodes the instruction at `at`. @throws ParseError if there is no whole instruction. */
export function decodeInstruction(code: Uint8Array, at: number): Instruction {
  const instruction = decode(code.subarray(at, at + MAX_LENGTH));
  if (instruction === undefined) {
    throw new ParseError(`no instruction at ${at} of ${counted(code.length, "byte")} of code`);
  }
  return instruction;
}

/** Decodes an instruction. Returns undefined if the bytes do not start with a whole instruction. */
function decode(code: Uint8Array): Instruction | undefined {
  let at = 0;
  let narrow = false;
  let addressNarrow = false;
  let wide = false;
  for (; ONE_BYTE[code[at] ?? 0] === "p" && at < code.length; at++) {
    const prefix = code[at] ?? 0;
    narrow ||= prefix === OPERAND_SIZE;
    addressNarrow ||= prefix === ADDRESS_SIZE;
    // Only a REX prefix right before the opcode counts.
    wide = (prefix & 0xf8) === 0x48;
  }
  const prefixes = at;
  const found = opcodeAt(code, at);
  if (found === undefined) return undefined;
  const { letter, opcode } = found;
  at = found.end;
  let ripRelative: OperandField | null = null;
  let kind = letter;
  if ("mBZt".includes(letter)) {
    const modrm = modrmAt(code, at);
    if (modrm === undefined) return undefined;
    ripRelative = modrm.ripRelative;
    if (letter === "t") kind = modrm.register > 1 ? "m" : (code[found.end - 1] ?? 0) & 1 ? "Z" : "B";
    at = modrm.end;
  }
  const size = immediateSize(kind, narrow, wide, addressNarrow);
  if (size === undefined || at + size > code.length) return undefined;
  return {
    length: at + size,
    prefixes,
    opcode,
    ripRelative,
    immediate: size === 0 ? null : { at, size },
  };
}

interface Opcode {
  readonly letter: string;
  readonly opcode: readonly [number, number];
  readonly end: number;
}

function opcodeAt(code: Uint8Array, at: number): Opcode | undefined {
  const first = code[at];
  const second = code[at + 1] ?? 0;
  if (first === undefined) return undefined;
  // These are the VEX prefixes of 2 and 3 bytes, and EVEX. They name the map; an opcode and a ModRM byte follow.
  if (first === 0xc5) return vectorOpcode(code, at + 2, 1);
  if (first === 0xc4) return vectorOpcode(code, at + 3, second & 0x1f);
  if (first === 0x62) return vectorOpcode(code, at + 4, second & 7);
  if (first !== ESCAPE) {
    return { letter: ONE_BYTE[first] ?? "x", opcode: [first, second], end: at + 1 };
  }
  if (second === 0x38) return { letter: "m", opcode: [first, second], end: at + 3 };
  if (second === 0x3a) return { letter: "B", opcode: [first, second], end: at + 3 };
  return { letter: TWO_BYTE[second] ?? "x", opcode: [first, second], end: at + 2 };
}

function vectorOpcode(code: Uint8Array, at: number, map: number): Opcode | undefined {
  const opcode = code[at];
  if (opcode === undefined || map < 1 || map > 6) return undefined;
  const letter = map === 3 ? "B" : map === 1 ? (TWO_BYTE[opcode] ?? "x") : "m";
  return { letter, opcode: [code[0] ?? 0, opcode], end: at + 1 };
}

/** Decodes the ModRM byte at `at`, and the SIB byte and the displacement that it asks for. */
function modrmAt(
  code: Uint8Array,
  at: number,
): { register: number; end: number; ripRelative: OperandField | null } | undefined {
  const modrm = code[at];
  if (modrm === undefined) return undefined;
  const mode = modrm >> 6;
  const memory = modrm & 7;
  const hasSib = mode !== 3 && memory === 4;
  const base = hasSib ? (code[at + 1] ?? 0) & 7 : memory;
  const field = at + (hasSib ? 2 : 1);
  const isBaseless = mode === 0 && base === 5;
  const size = mode === 1 ? 1 : mode === 2 || isBaseless ? 4 : 0;
  return {
    register: (modrm >> 3) & 7,
    end: field + size,
    ripRelative: isBaseless && !hasSib ? { at: field, size } : null,
  };
}

function immediateSize(
  kind: string,
  narrow: boolean,
  wide: boolean,
  addressNarrow: boolean,
): number | undefined {
  switch (kind) {
    case "-":
    case "m":
      return 0;
    case "b":
    case "B":
      return 1;
    case "w":
      return 2;
    case "e":
      return 3;
    case "d":
      return 4;
    case "z":
    case "Z":
      return narrow && !wide ? 2 : 4;
    case "v":
      return wide ? 8 : narrow ? 2 : 4;
    case "o":
      return addressNarrow ? 4 : 8;
    default:
      return undefined;
  }
}
