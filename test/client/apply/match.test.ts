import { beforeEach, describe, expect, it } from "vitest";
import { matchUpdate } from "../../../client/apply/match.ts";
import { objectName } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { FakeMemory, fingerprintOf, landmarks, startOf, updateOf } from "./kernel.ts";

const NONE: ReadonlySet<number> = new Set();
const update = updateOf("fix", ["first", "second"]);

let memory: FakeMemory;
beforeEach(() => {
  memory = new FakeMemory();
});

function refusal(replaced = NONE, of = update): RebootlessError {
  try {
    matchUpdate(of, landmarks, memory, replaced);
  } catch (error) {
    if (error instanceof RebootlessError) return error;
    throw error;
  }
  throw new Error("it matched");
}

describe("matching an update with memory", () => {
  it("counts the functions and bytes that it compared", () => {
    expect(matchUpdate(update, landmarks, memory, NONE)).toEqual({ functions: 2, bytes: 192 });
    expect(memory.readings).toBe(2);
  });

  it("names the function, the place and the bytes of a mismatch", () => {
    memory.flip("second", 0x2f);
    const { code, message, details } = refusal();
    expect(code).toBe("runpre");
    expect(message).toMatch(
      /^second\+0x2f in the running kernel .*\(expected [0-9a-f]{2}, found [0-9a-f]{2}\)$/,
    );
    expect(details).toEqual({ function: "second", offset: 0x2f, text_offset: startOf("second") + 0x2f });
  });

  it("counts further places", () => {
    memory.flip("first", 20);
    memory.flip("first", 90);
    expect(refusal().message).toMatch(/^first\+0x14 .*, and in 1 more places\)$/);
  });

  it("finds a mismatch in a function after one that matches", () => {
    memory.flip("second", 95);
    expect(refusal().details).toMatchObject({ function: "second", offset: 95 });
  });

  it("does not look at functions that the update leaves alone", () => {
    memory.flip("third", 20);
    matchUpdate(update, landmarks, memory, NONE);
  });

  it.each([1, 2])("reads again when an int3 was in flight, %d times", (times) => {
    const before = memory.bytes.slice();
    memory.bytes[startOf("first")] = 0xcc;
    memory.beforeReading = (reading) => reading > times && memory.bytes.set(before);
    expect(matchUpdate(update, landmarks, memory, NONE)).toMatchObject({ functions: 2 });
    expect(memory.readings).toBe(2 + times);
  });

  it("believes a mismatch that lasts three readings", () => {
    memory.bytes[startOf("first")] = 0xcc;
    expect(refusal().details).toMatchObject({ function: "first", offset: 0 });
    expect(memory.readings).toBe(3);
  });

  it("refuses a function that something is attached to", () => {
    memory.attach("second");
    expect(refusal()).toMatchObject({
      code: "runpre",
      message: expect.stringContaining("attached to second"),
      details: { function: "second", offset: 0 },
    });
  });

  it("allows that where an applied update replaces the very function, and nowhere else", () => {
    memory.attach("second");
    matchUpdate(update, landmarks, memory, new Set([startOf("second")]));
    expect(refusal(new Set([startOf("first")])).code).toBe("runpre");
  });

  it("still compares the rest of a function that is replaced", () => {
    memory.attach("second");
    memory.flip("second", 40);
    expect(refusal(new Set([startOf("second")])).details).toMatchObject({ offset: 40 });
  });

  it("refuses an update of a module before it reads anything", () => {
    const objects = [
      ...update.objects,
      { name: objectName("kvm"), buildId: null, functions: [fingerprintOf("third")] },
    ];
    const error = refusal(NONE, { ...update, objects });
    expect(error).toMatchObject({ code: "unsupported", message: expect.stringContaining("kvm") });
    expect(memory.readings).toBe(0);
  });

  it("passes on what goes wrong with reading", () => {
    memory.beforeReading = () => {
      throw new RebootlessError("io", "the disk is gone");
    };
    expect(refusal().code).toBe("io");
  });
});
