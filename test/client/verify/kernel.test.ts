import { beforeEach, describe, expect, it } from "vitest";
import type { Attachments } from "../../../client/attached/attachments.ts";
import { type FunctionSet, setOfManifest } from "../../../client/verify/function_set.ts";
import { checkKernel, type KernelVerdict } from "../../../client/verify/kernel.ts";
import { objectName } from "../../../shared/brand.ts";
import { FakeMemory, fingerprintOf, landmarks, startOf, updateOf } from "../apply/kernel.ts";
import { ID, RELEASE } from "../commands/small_host.ts";

const NOTHING: Attachments = { patches: [], traced: [], probes: [], unread: [] };
const kernel = { buildId: ID, release: RELEASE, architecture: "x86_64" };
const set: FunctionSet = setOfManifest({
  kernel,
  landmarks,
  updates: [
    updateOf("a", ["third", "first"]),
    updateOf("b", ["first", "second"]),
    {
      ...updateOf("c", []),
      objects: [
        { name: objectName("nvme"), buildId: ID, layout: null, functions: [fingerprintOf("fourth")] },
      ],
    },
  ],
});

let memory: FakeMemory;
let slept: number[];
let asked: number;
let said: string[];
/** What the kernel says the nth time that it is asked. */
let answers: (time: number) => Attachments;
beforeEach(() => {
  memory = new FakeMemory();
  slept = [];
  asked = 0;
  said = [];
  answers = () => NOTHING;
});

const check = (): Promise<KernelVerdict> =>
  checkKernel({
    set,
    memory,
    attachments: async () => answers(++asked),
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
    },
    progress: (line) => said.push(line),
  });
const why = ({ differing }: KernelVerdict) => differing.map(({ fn, reason }) => [fn.name, reason.why]);

describe("checking a kernel", () => {
  it("looks at each function of a manifest once, and not at those of modules", async () => {
    expect(await check()).toEqual({ functions: 3, bytes: 3 * 96, matched: 3, differing: [], unread: [] });
    expect(set).toMatchObject({ count: 3, kernel });
    expect([0, 1, 2].map(set.name)).toEqual(["first", "second", "third"]);
    expect([asked, slept]).toEqual([0, []]);
  });

  it("reads again what differs, and believes what lasts", async () => {
    memory.flip("second", 40);
    const verdict = await check();
    expect(why(verdict)).toEqual([["second", "unexplained"]]);
    expect(verdict).toMatchObject({ matched: 2 });
    expect(slept).toEqual([50, 500, 2000]);
    expect(asked).toBe(4);
  });

  it("forgets what was in flight", async () => {
    const before = memory.bytes.slice();
    memory.bytes[startOf("first")] = 0xcc;
    answers = (time) => {
      if (time === 3) memory.bytes.set(before);
      return NOTHING;
    };
    expect(await check()).toMatchObject({ matched: 3, differing: [] });
    expect(slept).toEqual([50, 500]);
  });

  it("asks the kernel anew each time, and stops when everything is explained", async () => {
    memory.attach("third");
    answers = (time) =>
      time < 2 ? NOTHING : { ...NOTHING, traced: [{ name: "third", module: null, callbacks: ["f"] }] };
    expect(why(await check())).toEqual([["third", "traced"]]);
    expect(slept).toEqual([50]);
  });

  it("says of what is left what it cannot explain beside what it can, and what could not be read", async () => {
    memory.attach("third");
    memory.flip("first", 50);
    answers = () => ({
      ...NOTHING,
      traced: [{ name: "third", module: null, callbacks: [] }],
      unread: ["/x"],
    });
    const verdict = await check();
    expect(why(verdict)).toEqual([
      ["first", "unexplained"],
      ["third", "traced"],
    ]);
    expect(verdict.unread).toEqual(["/x"]);
    expect(said[0]).toBe("checking 3 functions of vmlinux");
  });
});
