import { describe, expect, it } from "vitest";
import type { Attachments } from "../../../client/attached/attachments.ts";
import { type DifferentFunction, explainAll } from "../../../client/attached/explain.ts";
import { objectName } from "../../../shared/brand.ts";
import type { Difference } from "../../../shared/runpre/check.ts";
import { sampleFunction } from "../../shared/runpre/file/sample.ts";

const NOTHING: Attachments = { patches: [], traced: [], probes: [], unread: [] };
const fn = sampleFunction("vfs_read", 0x1000, 0x100);
const twin = sampleFunction("vfs_read", 0x3000, 0x100);
const attached = (of = fn): DifferentFunction => ({ fn: of, result: { result: "attached" } });
const changed = (...differences: readonly Difference[]): DifferentFunction => ({
  fn,
  result: { result: "mismatch", differences },
});
const namesakes = (name: string): readonly number[] => (name === "vfs_read" ? [0x1000, 0x3000] : []);

const reasons = (suspects: readonly DifferentFunction[], attachments: Partial<Attachments>) =>
  explainAll(suspects, { ...NOTHING, ...attachments }, namesakes).map(({ reason }) => reason);

const patch = (name: string, ...functions: readonly string[]) => ({
  name,
  engine: "livepatch" as const,
  state: "applied" as const,
  functions,
  objects: [],
  replaces: null,
  order: null,
});
const probe = (offset: number, more = {}) => ({
  module: null,
  name: "vfs_read",
  offset,
  optimised: false,
  ftrace: false,
  ...more,
});

describe("a function that something is attached to", () => {
  it("is unexplained when the kernel knows of nothing", () => {
    expect(reasons([attached()], {})).toEqual([{ why: "unexplained" }]);
    const others = {
      patches: [patch("fix", "vmlinux/vfs_write,1", "nvme/vfs_read,1")],
      traced: [{ name: "vfs_write", module: null, callbacks: [] }],
      probes: [probe(0), probe(9)],
    };
    expect(reasons([attached()], others)).toEqual([{ why: "unexplained" }]);
  });

  it("is livepatched by the patches that name it, and not by one of its namesake", () => {
    const patches = [patch("one", "vmlinux/vfs_read,1"), patch("two", "vmlinux/vfs_read,1")];
    expect(reasons([attached()], { patches })).toEqual([{ why: "livepatched", by: ["one", "two"] }]);
    expect(reasons([attached(twin)], { patches })).toEqual([{ why: "unexplained" }]);
    expect(reasons([attached(twin)], { patches: [patch("one", "vmlinux/vfs_read,2")] })).toEqual([
      { why: "livepatched", by: ["one"] },
    ]);
  });

  it("is traced, and one line explains one function of a name", () => {
    const line = { name: "vfs_read", module: null, callbacks: ["function_trace_call"] };
    const traced = { why: "traced", by: ["function_trace_call"] };
    expect(reasons([attached()], { traced: [line] })).toEqual([traced]);
    expect(reasons([attached(), attached(twin)], { traced: [line] })).toEqual([
      traced,
      { why: "unexplained" },
    ]);
    expect(reasons([attached(), attached(twin)], { traced: [line, line] })).toEqual([traced, traced]);
  });

  it("is probed through ftrace", () => {
    expect(reasons([attached()], { probes: [probe(0, { ftrace: true })] })).toEqual([
      { why: "probed", by: ["vfs_read+0x0"], unjudged: 0 },
    ]);
  });

  it("is reported as such of a core file, where there is nobody to ask", () => {
    const found = explainAll([attached(), changed()], undefined, namesakes);
    expect(found.map(({ reason }) => reason.why)).toEqual(["attached", "unexplained"]);
  });
});

describe("a function with changed bytes", () => {
  const int3: Difference = { offset: 9, length: 1, expected: "55", found: "cc" };

  it("is probed when each change is the int3 of a probe that the kernel lists there", () => {
    expect(reasons([changed(int3)], { probes: [probe(9)] })).toEqual([
      { why: "probed", by: ["vfs_read+0x9"], unjudged: 0 },
    ]);
    expect(reasons([changed(int3)], { probes: [probe(10)] })).toEqual([{ why: "unexplained" }]);
    expect(reasons([changed(int3, { ...int3, offset: 50 })], { probes: [probe(9)] })).toEqual([
      { why: "unexplained" },
    ]);
    expect(reasons([changed({ ...int3, found: "c3" })], { probes: [probe(9)] })).toEqual([
      { why: "unexplained" },
    ]);
  });

  it("is unexplained when more than the int3 differs of what is known", () => {
    const site = { offset: 9, length: 5, expected: "c3cccccccc", found: "cccccccccc" };
    expect(reasons([changed(site)], { probes: [probe(9)] })).toMatchObject([{ why: "probed", unjudged: 0 }]);
    expect(reasons([changed({ ...site, found: "cccccccc90" })], { probes: [probe(9)] })).toEqual([
      { why: "unexplained" },
    ]);
  });

  it("is probed by a jump of five bytes, and the rest of its block is not judged", () => {
    const block = { offset: 0, length: 128, found: `${"90".repeat(9)}e911223344${"90".repeat(114)}` };
    const optimised = probe(9, { optimised: true });
    expect(reasons([changed(block)], { probes: [optimised] })).toEqual([
      { why: "probed", by: ["vfs_read+0x9"], unjudged: 123 },
    ]);
    expect(reasons([changed(block)], { probes: [probe(9)] })).toEqual([{ why: "unexplained" }]);
    const next = { offset: 128, length: 128, found: "11".repeat(128) };
    expect(reasons([changed(block, next)], { probes: [optimised] })).toEqual([{ why: "unexplained" }]);
    // A jump across the border of two blocks.
    expect(reasons([changed(next)], { probes: [probe(126, { optimised: true })] })).toMatchObject([
      { why: "probed", unjudged: 125 },
    ]);
  });

  it("is not explained by a patch or a tracer", () => {
    const attachments = {
      patches: [patch("one", "vmlinux/vfs_read,1")],
      traced: [{ name: "vfs_read", module: null, callbacks: [] }],
    };
    expect(reasons([changed(int3)], attachments)).toEqual([{ why: "unexplained" }]);
  });

  it("is of a module by that module's lines alone", () => {
    const traced = [{ name: "vfs_read", module: null, callbacks: ["one"] }];
    const reasonsOf = (lines: Attachments["traced"]) =>
      explainAll([attached()], { ...NOTHING, traced: lines }, namesakes, objectName("nvme")).map(
        ({ reason }) => reason,
      );
    expect(reasonsOf(traced)).toEqual([{ why: "unexplained" }]);
    const own = { name: "vfs_read", module: "nvme", callbacks: ["two"] };
    expect(reasonsOf([...traced, own])).toEqual([{ why: "traced", by: ["two"] }]);
  });
});
