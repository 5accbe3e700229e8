import { beforeEach, describe, expect, it } from "vitest";
import { matchUpdate } from "../../../client/apply/match.ts";
import type { RunningCode } from "../../../client/apply/running_code.ts";
import type { LoadedPatch } from "../../../client/engines/engine.ts";
import { objectName } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { FakeMemory, type FunctionName, fingerprintOf, landmarks, startOf, updateOf } from "./kernel.ts";

const update = updateOf("fix", ["first", "second"]);
const earlier = updateOf("earlier", ["second"]);

let memory: FakeMemory;
let slept: number[];
let running: RunningCode;
beforeEach(() => {
  memory = new FakeMemory();
  slept = [];
  running = {
    landmarks,
    memory,
    updates: [update, earlier],
    loaded: [],
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
    },
  };
});

async function refusal(of: Update = update): Promise<RebootlessError> {
  try {
    await matchUpdate(of, running);
  } catch (error) {
    if (error instanceof RebootlessError) return error;
    throw error;
  }
  throw new Error("it matched");
}

const patch = (name: string, ...functions: readonly string[]): LoadedPatch => ({
  name,
  engine: "livepatch",
  state: "applied",
  functions,
  objects: [],
  replaces: null,
  order: null,
});
const load = (...loaded: readonly LoadedPatch[]): void => {
  running = { ...running, loaded };
};

describe("matching an update with memory", () => {
  it("counts the functions and bytes that it compared", async () => {
    expect(await matchUpdate(update, running)).toEqual({ functions: 2, bytes: 192 });
    expect(memory.readings).toBe(2);
  });

  it("names the function, the place and the bytes of a mismatch", async () => {
    memory.flip("second", 0x2f);
    const { code, message, details } = await refusal();
    expect(code).toBe("runpre");
    expect(message).toMatch(
      /^second\+0x2f in the running kernel .*\(expected [0-9a-f]{2}, found [0-9a-f]{2}\)$/,
    );
    expect(details).toEqual({ function: "second", offset: 0x2f, text_offset: startOf("second") + 0x2f });
  });

  it("counts further places", async () => {
    memory.flip("first", 20);
    memory.flip("first", 90);
    expect((await refusal()).message).toMatch(/^first\+0x14 .*, and in 1 more places\)$/);
  });

  it("finds a mismatch in a function after one that matches", async () => {
    memory.flip("second", 95);
    expect((await refusal()).details).toMatchObject({ function: "second", offset: 95 });
  });

  it("does not look at functions that the update leaves alone", async () => {
    memory.flip("third", 20);
    await matchUpdate(update, running);
  });

  it.each([
    [1, []],
    [2, [50]],
    [3, [50, 500]],
    [4, [50, 500, 2000]],
  ])("reads again when an int3 was in flight, %d times", async (times, pauses) => {
    const before = memory.bytes.slice();
    memory.bytes[startOf("first")] = 0xcc;
    memory.beforeReading = (reading) => reading > times + 1 && memory.bytes.set(before);
    expect(await matchUpdate(update, running)).toMatchObject({ functions: 2 });
    expect(memory.readings).toBe(2 + times);
    expect(slept).toEqual(pauses);
  });

  it("believes a mismatch that lasts through all readings", async () => {
    memory.bytes[startOf("first")] = 0xcc;
    expect((await refusal()).details).toMatchObject({ function: "first", offset: 0 });
    expect(memory.readings).toBe(2 + 4);
    expect(slept).toEqual([50, 500, 2000]);
  });

  it("passes on what goes wrong with reading", async () => {
    memory.beforeReading = () => {
      throw new RebootlessError("io", "the disk is gone");
    };
    expect((await refusal()).code).toBe("io");
  });
});

describe("a function that something is attached to", () => {
  beforeEach(() => memory.attach("second"));

  it("is refused when nothing is known to replace it", async () => {
    expect(await refusal()).toMatchObject({
      code: "runpre",
      message: expect.stringContaining("attached to second"),
      details: { function: "second", offset: 0 },
    });
  });

  it("is allowed where an update in force replaces it, and nobody else does", async () => {
    load(patch("livepatch_earlier", "vmlinux/second,1"));
    await matchUpdate(update, running);
    load(patch("livepatch_earlier", "vmlinux/second,1"), patch("theirs", "vmlinux/third,1", "kvm/second,1"));
    await matchUpdate(update, running);
  });

  it.each([
    ["alone", []],
    ["on top of one of ours", [patch("livepatch_earlier", "vmlinux/second,1")]],
  ])("is refused when a foreign patch replaces it %s, and names that", async (_, ours) => {
    load(...ours, patch("theirs", "vmlinux/second,1"));
    expect(await refusal()).toMatchObject({
      message: "second is replaced by theirs, which this feed knows nothing of",
      details: { function: "second", patches: "theirs" },
    });
  });

  it("is refused when the update that should replace it is not listed for it", async () => {
    load(patch("livepatch_earlier", "vmlinux/third,1"));
    expect((await refusal()).message).toBe(
      "livepatch_earlier should replace second, and the kernel does not list it",
    );
  });

  it("is not explained by a patch that is out of force", async () => {
    load({ ...patch("livepatch_earlier", "vmlinux/second,1"), state: "disabled" });
    expect((await refusal()).message).toContain("something is attached to second");
  });

  it("may be named like one that another update of ours replaces", async () => {
    const named = { ...fingerprintOf("third"), name: "second" };
    const twin = {
      ...updateOf("twin", []),
      objects: [{ name: objectName("vmlinux"), buildId: null, layout: null, functions: [named] }],
    };
    running = { ...running, updates: [update, earlier, twin] };
    load(patch("livepatch_earlier", "vmlinux/second,1"), patch("livepatch_twin", "vmlinux/second,2"));
    await matchUpdate(update, running);
  });

  it("is compared as to its body all the same", async () => {
    load(patch("livepatch_earlier", "vmlinux/second,1"));
    memory.flip("second", 40);
    expect((await refusal()).details).toMatchObject({ offset: 40 });
  });
});

it("a function that an update in force replaces must be so in memory", async () => {
  load(patch("livepatch_earlier", "vmlinux/second,1"));
  expect((await refusal()).message).toBe(
    "second is as it booted, and the kernel says that livepatch_earlier replaces it",
  );
  const untouched: readonly FunctionName[] = ["first", "third"];
  await matchUpdate(updateOf("other", untouched), running);
});
