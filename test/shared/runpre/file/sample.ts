import { address, buildId, sha256Hex, textOffset, VMLINUX } from "../../../../shared/brand.ts";
import type { FileHeader } from "../../../../shared/runpre/file/header.ts";
import type { FunctionFingerprint } from "../../../../shared/runpre/fingerprint.ts";
import type { PatchingLandmarks } from "../../../../shared/runpre/landmarks.ts";
import { locatorOf } from "../../../../shared/runpre/locator.ts";
import type { Site } from "../../../../shared/runpre/sites/site_kinds.ts";
import { CALL, JUMP } from "../../../../shared/x86/opcodes.ts";

const id = buildId("3b43fad5034874490492495d552c0af6a5fab235");

export const sampleHeader: FileHeader = {
  kernel: { buildId: id, release: "6.1.0-56-cloud-amd64", architecture: "x86_64" },
  object: { name: VMLINUX, buildId: id, layout: null },
  landmarks: {
    linkedText: address(0xffff_ffff_8100_0000n),
    returnThunkVariable: textOffset(0x400),
    returnThunkDefault: textOffset(0x300),
    returnThunkIts: null,
  },
};

/** Those of a kernel that rewrites nothing. */
export const NO_LANDMARKS: PatchingLandmarks = {
  capabilities: null,
  uniprocessor: null,
  ftraceFunction: null,
  paravirt: null,
  staticCalls: null,
  retpolines: null,
  callDepth: null,
};

const key = textOffset(0x1a2b3c4);
const pointer = textOffset(0x1000);
const paravirt: Site = { kind: "paravirt", at: 0, length: 6, pointer };

/** One of every kind, and of every shape that a kind has. */
export const everySite: readonly Site[] = [
  { kind: "ftrace", at: 0 },
  { kind: "reloc32", at: 12 },
  { kind: "reloc64", at: 16 },
  { kind: "reloc32neg", at: 30 },
  { kind: "call", at: 34 },
  { kind: "ftrace_call", at: 40 },
  { kind: "return_thunk", at: 45 },
  { kind: "return_thunk_moved", at: 60 },
  { kind: "smp_lock", at: 65 },
  { kind: "call_padding", at: 70 },
  { kind: "call_padding_open", at: 80 },
  { kind: "jump_label", at: 100, length: 2, target: -100, key, branch: false },
  { kind: "jump_label", at: 102, length: 5, target: 4000, key, branch: true },
  { kind: "static_call", at: 110, form: "call", key, initiallyNull: false },
  { kind: "static_call", at: 115, form: "tail", key, initiallyNull: true },
  { kind: "static_call", at: 120, form: "trampoline", key: pointer, initiallyNull: true },
  { kind: "static_call", at: 126, form: "conditional", key, initiallyNull: false },
  { kind: "paravirt", at: 140, length: 11, pointer },
  { kind: "retpoline", at: 160, length: 5, opcode: CALL, register: 0, its: null },
  { kind: "retpoline", at: 165, length: 6, opcode: JUMP, register: 15, its: 0 },
  { kind: "retpoline", at: 171, length: 6, opcode: 0x8f, register: 3, its: 4096 * 255 + 4095 },
  { kind: "runtime_constant", at: 180, length: 1, variable: pointer },
  { kind: "runtime_constant", at: 190, length: 8, variable: key },
  { kind: "runtime_mask", at: 200, variable: key },
  {
    kind: "alternative",
    at: 300,
    length: 6,
    forms: [
      { condition: { feature: 272, present: false }, code: Uint8Array.of(1, 2, 3, 4, 5, 6), sites: [] },
      {
        condition: { feature: 2047, present: true },
        code: Uint8Array.of(1, 2, 3, 4, 5, 6),
        sites: [{ kind: "reloc32", at: 2 }],
      },
      { condition: null, code: new Uint8Array(6), sites: [paravirt] },
    ],
  },
];

export function sampleFunction(
  name: string,
  offset: number,
  size: number,
  sites: readonly Site[] = [],
): FunctionFingerprint {
  const body = Uint8Array.from({ length: size }, (_, i) => (i * 7 + offset) & 0xff);
  const digest = offset.toString(16).padEnd(64, "5");
  return {
    name,
    offset: textOffset(offset),
    size,
    sha256: sha256Hex(digest),
    locator: locatorOf(body),
    sites,
  };
}

/** With a gap, the padding of a later kernel, a name that repeats and one that is not ASCII. */
export const sampleFunctions: readonly FunctionFingerprint[] = [
  sampleFunction("first", 0, 16),
  sampleFunction("__pfx_second", 16, 16),
  sampleFunction("second", 32, 400, everySite),
  sampleFunction("__pfx_second", 0x1000, 1),
  sampleFunction("third", 0x1001, 0x1000, [{ kind: "return_thunk", at: 0xff0 }]),
  sampleFunction("größe", 0x3fff_ffff, 1),
];
