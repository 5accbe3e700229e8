import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { type Address, sha256Hex, type TextOffset, textOffset } from "../../../shared/brand.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { Decoder } from "../../../shared/decode.ts";
import { ParseError } from "../../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../../shared/json.ts";
import { checkFunction, type RunpreResult } from "../../../shared/runpre/check.ts";
import type { FunctionFingerprint, KernelLandmarks, TextMemory } from "../../../shared/runpre/fingerprint.ts";
import { fingerprintFromJson, fingerprintToJson } from "../../../shared/runpre/json.ts";
import type { PatchingLandmarks } from "../../../shared/runpre/landmarks.ts";
import { decodePatching, patchingToJson } from "../../../shared/runpre/landmarks_json.ts";

import { locatorOf } from "../../../shared/runpre/locator.ts";
import { type AlternativeForm, clearSites, type Site } from "../../../shared/runpre/sites/site_kinds.ts";
import { le } from "../../support/elf_builder.ts";
import { NO_LANDMARKS } from "./file/sample.ts";

const LINKED = 0xffff_ffff_8100_0000n;
const MOVED = 0x0220_0000n;
const TEXT = LINKED + MOVED;
const START = 0x1000;
const SIZE = 64;
const AT = 16;
/** Functions, thunks and pages to go to. */
const TARGET = 0x800;
const NOTHING = 0x840;
const BUG = 0x880;
const ZERO = 0x8c0;
const THUNK = 0xc00;
const RETURN_THUNK = 0x900;
const ITS_RETURN = 0x920;
/** Variables. */
const VARIABLE = 0x3000;
const RETURN_VARIABLE = 0x3100;
const CAPABILITIES = 0x3200;
const UNIPROCESSOR = 0x3300;
const CALL_DEPTH = 0x3301;
const FTRACE = 0x3310;
const [RETPOLINE, LFENCE, ITS] = [364, 365, 677];

const place = (offset: number): TextOffset => textOffset(offset);
const hex = (text: string): Uint8Array => fromHex(text.replaceAll(" ", ""));

const patching: PatchingLandmarks = {
  capabilities: place(CAPABILITIES),
  uniprocessor: place(UNIPROCESSOR),
  ftraceFunction: place(FTRACE),
  paravirt: { nop: place(NOTHING), bug: place(BUG) },
  staticCalls: { returnZero: place(ZERO), return: place(0x8e0), reinitialised: true, inlined: [] },
  retpolines: {
    feature: RETPOLINE,
    lfenceFeature: LFENCE,
    itsFeature: ITS,
    thunks: place(THUNK),
    stride: 32,
    callThunks: place(0x600),
    jumpThunks: place(0x400),
    prefixed: false,
    itsPages: [
      [
        { at: place(0x200), length: 5, thunk: 96 },
        { at: place(0x210), length: 6, thunk: 100 },
      ],
    ],
  },
  callDepth: {
    state: place(CALL_DEPTH),
    code: hex("65 48 c1 3d 00 10 00 00 05"),
    exempt: [[place(NOTHING), place(NOTHING + 1)]],
    textEnd: place(0x2000),
    movesWithKernel: false,
    beforeAlternatives: false,
  },
};

const landmarks: KernelLandmarks = {
  linkedText: LINKED as Address,
  returnThunkVariable: place(RETURN_VARIABLE),
  returnThunkDefault: place(RETURN_THUNK),
  returnThunkIts: place(ITS_RETURN),
  patching,
};

/** The landmarks of a kernel that rewrites its code as Linux 7.3 does. */
const NEWER: PatchingLandmarks = {
  ...patching,
  staticCalls: {
    returnZero: place(ZERO),
    return: place(0x8e0),
    reinitialised: true,
    inlined: [{ function: place(TARGET), code: hex("67 48 0f b9 3a") }],
  },
  retpolines: patching.retpolines && { ...patching.retpolines, prefixed: true },
  callDepth: patching.callDepth && {
    ...patching.callDepth,
    movesWithKernel: true,
    beforeAlternatives: true,
  },
};

/** A kernel at rest: the site's own function is 0x11 all over. */
class Machine {
  readonly landmarks: KernelLandmarks;
  /** Those of a module, if the function is one of a module's. */
  moves: readonly number[] | undefined;
  readonly bytes = new Uint8Array(0x4000);
  readonly memory: TextMemory = {
    text: TEXT as Address,
    read: (offset, length) => this.bytes.subarray(offset, offset + length),
  };

  constructor(rewriting = patching) {
    this.landmarks = { ...landmarks, patching: rewriting };
    this.bytes.fill(0x11, START, START + SIZE);
    this.bytes.fill(0x90, TARGET - 16, TARGET);
    this.point(RETURN_VARIABLE, RETURN_THUNK).point(FTRACE, TARGET);
  }

  put(at: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, at);
    return this;
  }
  point(at: number, target: number | null): this {
    return this.put(at, le(target === null ? 0n : TEXT + BigInt(target), 8));
  }
  feature(number: number): this {
    const at = CAPABILITIES + (number >> 3);
    this.bytes[at] = (this.bytes[at] ?? 0) | (1 << (number & 7));
    return this;
  }
}

/** As the kernel's makes its padding when it tracks calls: the operand is relative to the place. */
const callDepthCode = (at: number): Uint8Array =>
  Uint8Array.of(0x65, 0x48, 0xc1, 0x3d, ...le(0x1000n - BigInt(at) - MOVED, 4), 0x05);

/** The same where the operand's target moves with the kernel. */
const movingCode = (at: number): Uint8Array =>
  Uint8Array.of(0x65, 0x48, 0xc1, 0x3d, ...le(0x1000n - BigInt(at), 4), 0x05);

const branch = (opcode: number, from: number, to: number): string =>
  toHex(Uint8Array.of(opcode, ...le(to - from - 5, 4)));

function fingerprintOf(site: Site, linked: Uint8Array): FunctionFingerprint {
  const body = new Uint8Array(SIZE).fill(0x11);
  body.set(linked, AT);
  clearSites(body, [site]);
  return {
    name: "sample",
    offset: place(START),
    size: SIZE,
    sha256: sha256Hex(sha256Of(body)),
    locator: locatorOf(body),
    sites: [site],
  };
}

function check(
  machine: Machine,
  site: Site,
  found: string,
  linked: Uint8Array = new Uint8Array(),
): RunpreResult {
  machine.bytes.fill(0x11, START, START + SIZE);
  machine.put(START + AT, hex(found));
  const fingerprint = fingerprintOf(site, linked);
  return checkFunction(fingerprint, machine.landmarks, machine.memory, sha256Of, machine.moves);
}

/** The one value holds; one changed bit of it does not; nor does what another state would have put there. */
function expectOnly(machine: Machine, site: Site, value: string, others: readonly string[] = []): void {
  expect(check(machine, site, value)).toEqual({ result: "match" });
  for (const other of others) expect(check(machine, site, other).result, other).toBe("mismatch");
  const bytes = hex(value);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(check(machine, site, toHex(changed)), `bit ${bit}`).toMatchObject({
      result: "mismatch",
      differences: [{ offset: AT, expected: toHex(bytes) }],
    });
  }
}

const here = START + AT;
const NOP5 = "0f1f440000";

describe("lock prefixes", () => {
  const site: Site = { kind: "smp_lock", at: AT };
  it("are there with several processors, and not with one", () => {
    expectOnly(new Machine(), site, "f0", ["3e"]);
    expectOnly(new Machine().put(UNIPROCESSOR, Uint8Array.of(1)), site, "3e", ["f0"]);
  });
});

describe("jump labels", () => {
  const label = (length: 2 | 5, branches: boolean): Site => ({
    kind: "jump_label",
    at: AT,
    length,
    target: -30,
    key: place(VARIABLE),
    branch: branches,
  });
  it.each([
    [0, false, false],
    [1, false, true],
    [-1, false, true],
    [0, true, true],
    [2, true, false],
  ])("with a count of %i and branch %s jump: %s", (count, branches, jumps) => {
    const machine = new Machine().put(VARIABLE, le(count, 4));
    expectOnly(machine, label(2, branches), jumps ? "ebe0" : "6690", [jumps ? "6690" : "ebe0"]);
    expectOnly(machine, label(5, branches), jumps ? "e9ddffffff" : NOP5);
  });
});

const staticCall = (form: "call" | "tail" | "trampoline" | "conditional", initiallyNull = false): Site => ({
  kind: "static_call",
  at: AT,
  form,
  key: place(VARIABLE),
  initiallyNull,
});

describe("static calls", () => {
  it("go where the key points", () => {
    const machine = new Machine().point(VARIABLE, TARGET);
    expectOnly(machine, staticCall("call"), branch(0xe8, here, TARGET), [NOP5]);
    expectOnly(machine, staticCall("tail"), branch(0xe9, here, TARGET), ["c3cccccccc"]);
    expectOnly(machine, staticCall("trampoline"), branch(0xe9, here, TARGET));
    expectOnly(machine, staticCall("conditional"), toHex(le(TARGET - here - 4, 4)));
  });

  it("are nothing without a function, and zero for the one that returns it", () => {
    const machine = new Machine().point(VARIABLE, null);
    expectOnly(machine, staticCall("call"), NOP5);
    expectOnly(machine, staticCall("tail"), "c3cccccccc");
    expectOnly(machine, staticCall("conditional"), toHex(le(0x8e0 - here - 4, 4)));
    expectOnly(machine.point(VARIABLE, ZERO), staticCall("call"), "2e2e2e31c0");
  });

  it("return through the thunk in force, but for trampolines that early boot wrote", () => {
    const machine = new Machine().point(VARIABLE, null).point(RETURN_VARIABLE, TARGET);
    const thunk = branch(0xe9, here, TARGET);
    expectOnly(machine, staticCall("tail"), thunk, ["c3cccccccc"]);
    expectOnly(machine, staticCall("trampoline", true), thunk, ["c3cccccccc"]);
    expect(check(machine, staticCall("trampoline"), thunk).result).toBe("match");
    expect(check(machine, staticCall("trampoline"), "c3cccccccc").result).toBe("match");
    expect(check(machine, staticCall("trampoline"), "c3cccccccd").result).toBe("mismatch");
  });
});

describe("calls through pv_ops", () => {
  const site: Site = { kind: "paravirt", at: AT, length: 7, pointer: place(VARIABLE) };
  it.each([
    ["the function", TARGET, `${branch(0xe8, here, TARGET)}6690`],
    ["nothing", NOTHING, "0f1f8000000000"],
    ["a null pointer", null, `${branch(0xe8, here, BUG)}6690`],
  ])("are direct: %s", (_, target, expected) => {
    expectOnly(new Machine().point(VARIABLE, target), site, expected);
  });
});

describe("indirect branches", () => {
  const site = (opcode: number, register: number, length: 5 | 6): Site => ({
    kind: "retpoline",
    at: AT,
    length,
    opcode,
    register,
    its: 96,
  });
  const retpolines = (): Machine => new Machine().feature(RETPOLINE);

  it("go to thunks with retpolines", () => {
    expectOnly(retpolines(), site(0xe8, 0, 5), branch(0xe8, here, THUNK), ["ffd00f1f00"]);
    expectOnly(retpolines(), site(0xe9, 9, 6), `2e${branch(0xe9, here + 1, THUNK + 9 * 32)}`);
    expectOnly(retpolines(), site(0x85, 1, 6), `0f${branch(0x85, here + 1, THUNK + 32)}`);
    const tracking = retpolines().put(CALL_DEPTH, Uint8Array.of(1));
    expectOnly(tracking, site(0xe8, 3, 5), branch(0xe8, here, 0x600 + 96));
    expectOnly(tracking, site(0xe9, 3, 5), branch(0xe9, here, 0x400 + 96));
  });

  it("are plain without", () => {
    expectOnly(new Machine(), site(0xe8, 0, 5), "ffd00f1f00", [branch(0xe8, here, THUNK)]);
    expectOnly(new Machine(), site(0xe9, 2, 5), "ffe2cc6690");
    expectOnly(new Machine(), site(0xe8, 11, 6), "41ffd30f1f00");
    expectOnly(new Machine(), site(0x84, 1, 6), "7504ffe1cc90");
  });

  it("have an lfence if that is the mitigation, where it fits", () => {
    const machine = (): Machine => retpolines().feature(LFENCE);
    expectOnly(machine(), site(0xe8, 0, 5), "0faee8ffd0");
    expectOnly(machine(), site(0xe9, 8, 6), "0faee841ffe0");
    expectOnly(machine(), site(0xe8, 8, 5), branch(0xe8, here, THUNK + 8 * 32));
  });

  it("have thunks of their own with ITS in the lower half of a line, in pages that two others tell", () => {
    const page = 0x4000_0000;
    const machine = new Machine().feature(ITS);
    machine.put(0x200, hex(branch(0xe8, 0x200, page + 96)));
    machine.put(0x210, hex(`2e${branch(0xe8, 0x211, page + 100)}`));
    expectOnly(machine, site(0xe8, 0, 5), branch(0xe8, here, page + 96), ["ffd00f1f00"]);
    machine.put(0x210, hex(`2e${branch(0xe8, 0x211, page + 4096 + 100)}`));
    expect(check(machine, site(0xe8, 0, 5), branch(0xe8, here, page + 96)).result).toBe("mismatch");
    const upper: Site = { ...(site(0xe8, 0, 5) as Site), at: AT + 16 };
    machine.put(START + AT, new Uint8Array(5).fill(0x11)).put(here + 16, hex("ffd00f1f00"));
    expect(
      checkFunction(fingerprintOf(upper, new Uint8Array()), landmarks, machine.memory, sha256Of),
    ).toEqual({
      result: "match",
    });
  });
});

describe("call depth tracking", () => {
  const call: Site = { kind: "call", at: AT };
  const linked = hex(branch(0xe8, here, TARGET));
  const tracking = (): Machine =>
    new Machine().put(CALL_DEPTH, Uint8Array.of(1)).put(TARGET - 9, callDepthCode(TARGET - 9));

  it("leads calls to padding", () => {
    const led = branch(0xe8, here, TARGET - 9);
    expect(check(new Machine(), call, toHex(linked), linked).result).toBe("match");
    expect(check(new Machine(), call, led, linked).result).toBe("mismatch");
    expect(check(tracking(), call, led, linked).result).toBe("match");
    expect(check(tracking(), call, toHex(linked), linked).result).toBe("mismatch");
  });

  it("leads what goes through pointers there too, where there is padding", () => {
    const site = staticCall("call");
    expectOnly(tracking().point(VARIABLE, TARGET), site, branch(0xe8, here, TARGET - 9));
    expectOnly(tracking().point(VARIABLE, BUG), site, branch(0xe8, here, BUG));
    expectOnly(tracking().point(VARIABLE, NOTHING), site, branch(0xe8, here, NOTHING));
    const inModule = 0x4000_0000;
    expectOnly(tracking().point(VARIABLE, inModule), site, branch(0xe8, here, inModule - 9));
  });

  it("fills padding", () => {
    const nops = "90".repeat(9);
    const code = toHex(callDepthCode(here));
    expectOnly(new Machine(), { kind: "call_padding", at: AT }, nops, [code]);
    expectOnly(tracking(), { kind: "call_padding", at: AT }, code, [nops]);
    expect(check(tracking(), { kind: "call_padding_open", at: AT }, nops).result).toBe("match");
    expectOnly(tracking(), { kind: "call_padding_open", at: AT }, code);
  });
});

describe("newer kernels", () => {
  const newer = (): Machine => new Machine(NEWER);
  const tracking = (): Machine => newer().put(CALL_DEPTH, Uint8Array.of(1));
  const branchOn = (opcode: number, register: number, length: 5 | 6): Site => ({
    kind: "retpoline",
    at: AT,
    length,
    opcode,
    register,
    its: null,
  });

  it("put prefixes in front of an indirect call, or nops behind it where there is much room", () => {
    expectOnly(newer(), branchOn(0xe8, 0, 5), "2e2e2effd0", ["ffd00f1f00"]);
    expectOnly(newer(), branchOn(0xe8, 11, 5), "2e2e41ffd3");
    expectOnly(newer(), branchOn(0xe8, 11, 6), "2e2e2e41ffd3");
    expectOnly(newer(), branchOn(0xe8, 0, 6), "ffd00f1f4000");
    expectOnly(newer().feature(RETPOLINE).feature(LFENCE), branchOn(0xe8, 0, 6), "0faee82effd0");
  });

  it("put int3 behind an indirect jump", () => {
    expectOnly(newer(), branchOn(0xe9, 0, 5), "ffe0cccccc", ["ffe0cc6690"]);
    expectOnly(newer(), branchOn(0x84, 1, 6), "7504ffe1cccc");
  });

  it("make an instruction of a static call of some functions, except where calls lead to padding", () => {
    const site = staticCall("call");
    const direct = branch(0xe8, here, TARGET);
    expectOnly(newer().point(VARIABLE, TARGET), site, "67480fb93a", [direct]);
    expectOnly(newer().point(VARIABLE, TARGET), staticCall("tail"), branch(0xe9, here, TARGET));
    const led = tracking()
      .put(TARGET - 9, movingCode(TARGET - 9))
      .point(VARIABLE, TARGET);
    expectOnly(led, site, branch(0xe8, here, TARGET - 9), ["67480fb93a", direct]);
  });

  it("lead calls to padding before they apply alternatives", () => {
    const site: Site = { kind: "paravirt", at: AT, length: 6, pointer: place(VARIABLE) };
    const led = tracking()
      .put(TARGET - 9, movingCode(TARGET - 9))
      .point(VARIABLE, TARGET);
    expectOnly(led, site, `${branch(0xe8, here, TARGET)}90`, [`${branch(0xe8, here, TARGET - 9)}90`]);
  });

  it("lead the replacements of modules to padding as well, whatever it has in it", () => {
    const site: Site = { kind: "paravirt", at: AT, length: 6, pointer: place(VARIABLE) };
    const [direct, led] = [TARGET, TARGET - 9].map((target) => `${branch(0xe8, here, target)}90`) as [
      string,
      string,
    ];
    const inModule = (machine: Machine): Machine => Object.assign(machine, { moves: [0] });
    expectOnly(inModule(tracking().point(VARIABLE, TARGET)), site, led, [direct]);
    expectOnly(inModule(new Machine(NEWER).point(VARIABLE, TARGET)), site, direct, [led]);
  });

  it("have per-CPU variables that move with them", () => {
    expectOnly(tracking(), { kind: "call_padding", at: AT }, toHex(movingCode(here)), [
      toHex(callDepthCode(here)),
    ]);
  });
});

describe("ftrace's own calls", () => {
  it("go where its variable says", () => {
    expectOnly(new Machine(), { kind: "ftrace_call", at: AT }, branch(0xe8, here, TARGET), [NOP5]);
  });
});

describe("runtime constants", () => {
  it("have the value of their variable", () => {
    const site = { kind: "runtime_constant", at: AT, variable: place(VARIABLE) } as const;
    const machine = new Machine().put(VARIABLE, hex("0123456789abcdef"));
    expectOnly(machine, { ...site, length: 8 }, "0123456789abcdef");
    expectOnly(machine, { ...site, length: 1 }, "01");
  });

  it("have the lower half of it as a mask", () => {
    const machine = new Machine().put(VARIABLE, hex("0123456789abcdef"));
    expectOnly(machine, { kind: "runtime_mask", at: AT, variable: place(VARIABLE) }, "01234567");
  });
});

describe("alternatives", () => {
  const form = (
    feature: number | null,
    present: boolean,
    code: string,
    sites: readonly Site[] = [],
  ): AlternativeForm => ({
    condition: feature === null ? null : { feature, present },
    code: hex(code),
    sites,
  });
  const site: Site = {
    kind: "alternative",
    at: AT,
    length: 6,
    forms: [
      form(5, true, "0faee80f1f00"),
      form(70, false, "0f01ca660f90"),
      form(null, true, "b80000000090", [{ kind: "reloc32", at: 1 }]),
    ],
  };

  it("have the first form whose condition holds", () => {
    expectOnly(new Machine().feature(5), site, "0faee80f1f00", ["0f01ca660f90"]);
    expectOnly(new Machine(), site, "0f01ca660f90", ["0faee80f1f00"]);
  });

  it("have the sites of their form, moved with the kernel", () => {
    expectOnly(new Machine().feature(70), site, `b8${toHex(le(MOVED, 4))}90`);
  });

  it("need the array of features", () => {
    const { patching: _, ...without } = landmarks;
    const fingerprint = fingerprintOf(site, new Uint8Array());
    expect(() => checkFunction(fingerprint, without, new Machine().memory, sha256Of)).toThrow(ParseError);
  });
});

describe("sites as JSON", () => {
  const sites: readonly Site[] = [
    { kind: "ftrace", at: 0 },
    { kind: "jump_label", at: 5, length: 2, target: -9, key: place(VARIABLE), branch: true },
    { kind: "static_call", at: 8, form: "tail", key: place(VARIABLE), initiallyNull: true },
    { kind: "paravirt", at: 14, length: 6, pointer: place(VARIABLE) },
    { kind: "retpoline", at: 20, length: 6, opcode: 0xe8, register: 11, its: 4196 },
    { kind: "retpoline", at: 26, length: 5, opcode: 0xe9, register: 0, its: null },
    { kind: "runtime_constant", at: 31, length: 8, variable: place(VARIABLE) },
    { kind: "runtime_mask", at: 39, variable: place(VARIABLE) },
    {
      kind: "alternative",
      at: 43,
      length: 5,
      forms: [
        { condition: { feature: 3, present: false }, code: hex("0faee86690"), sites: [] },
        { condition: null, code: hex("b800000000"), sites: [{ kind: "reloc32", at: 1 }] },
      ],
    },
  ];
  const fingerprint: FunctionFingerprint = {
    name: "sample",
    offset: place(START),
    size: SIZE,
    sha256: sha256Hex("00".repeat(32)),
    locator: new Uint8Array(2),
    sites,
  };
  const text = new TextDecoder().decode(encodeJson(fingerprintToJson(fingerprint)));
  const decode = (json: string): FunctionFingerprint =>
    fingerprintFromJson(parseJson(new TextEncoder().encode(json), "test", 10_000));

  it("come back whole", () => {
    expect(decode(text)).toEqual(fingerprint);
  });

  it.each([
    ["a jump of 3 bytes", "[5,2,", "[5,3,"],
    ["a flag that is none", `-9,${VARIABLE},1]`, `-9,${VARIABLE},2]`],
    ["a variable past what there is", `-9,${VARIABLE}`, "-9,2147483648"],
    ["another form of static call", '"tail"', '"head"'],
    ["a register too many", "232,11", "232,16"],
    ["another opcode", "[26,5,233", "[26,5,234"],
    ["a missing member", "[14,6,12288]", "[14,6]"],
    ["a member too many", "[14,6,12288]", "[14,6,12288,0]"],
    ["forms of two lengths", "0faee86690", "0faee866"],
    ["no unconditional form", "[null,", "[4,"],
    ["two unconditional forms", "[-4,", "[null,"],
    ["an alternative in an alternative", '{"reloc32":[1]}', '{"alternative":[[0,[null,"90",{}]]]}'],
    ["a site past the end of a form", '{"reloc32":[1]}', '{"reloc32":[2]}'],
    ["code where a judge decides", '{"reloc32":[1]}', '{"smp_lock":[0]}'],
    ["sites that overlap", "[14,6,", "[10,6,"],
  ])("refuse %s", (_, from, to) => {
    expect(text).toContain(from);
    expect(() => decode(text.replace(from, to))).toThrow(ParseError);
  });

  it("are judged or refused, never more, whatever they say", () => {
    const changes = fc.array(fc.tuple(fc.nat(text.length - 1), fc.constantFrom(..."0123456789-,[]")), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, (list) => {
        const characters = [...text];
        for (const [at, character] of list) characters[at] = character;
        try {
          checkFunction(decode(characters.join("")), landmarks, new Machine().memory, sha256Of);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).name).not.toBe("TypeError");
        }
      }),
    );
  });
});

describe("landmarks as JSON", () => {
  const decode = (value: PatchingLandmarks): PatchingLandmarks => {
    const bytes = encodeJson(jsonObject({ patching: patchingToJson(value) }));
    return decodePatching(new Decoder(parseJson(bytes, "test", 10_000), "test").get("patching"));
  };

  it("come back whole, with and without each group", () => {
    expect(decode(patching)).toEqual(patching);
    expect(decode(NEWER)).toEqual(NEWER);
    expect(decode(NO_LANDMARKS)).toEqual(NO_LANDMARKS);
  });

  it("refuse code of another length", () => {
    const callDepth = patching.callDepth && { ...patching.callDepth, code: new Uint8Array(8) };
    expect(() => decode({ ...patching, callDepth })).toThrow(ParseError);
  });
});
