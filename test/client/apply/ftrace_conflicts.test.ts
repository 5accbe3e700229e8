import { describe, expect, it } from "vitest";
import { requireNoFtraceConflict } from "../../../client/apply/ftrace_conflicts.ts";
import type { LoadedPatch } from "../../../client/engines/engine.ts";
import { FakeSystem } from "../../support/fake_system.ts";
import { updateOf } from "./kernel.ts";

const ENABLED = "/sys/kernel/tracing/enabled_functions";
const DEBUGFS = "/sys/kernel/debug/tracing/enabled_functions";
const update = updateOf("fix", ["first", "second"]);
const REDIRECTED = "second (1) R I     \ttramp: 0xffffffffc0a00000 (kprobe_ftrace_handler+0x0/0x1e0)";

function check(files: Readonly<Record<string, string>>, loaded: readonly LoadedPatch[] = []): Promise<void> {
  const system = new FakeSystem();
  for (const [path, text] of Object.entries(files)) system.files.set(path, text);
  return requireNoFtraceConflict(update, loaded, system);
}

const patch: LoadedPatch = {
  name: "livepatch_other",
  engine: "livepatch",
  state: "applied",
  functions: ["vmlinux/second,1"],
  objects: [],
  replaces: null,
  order: null,
};

describe("the place where a function is redirected", () => {
  it.each([
    ["nothing is attached to it", { [ENABLED]: "" }],
    ["tracefs cannot be read", {}],
    ["something only looks on", { [ENABLED]: "second (2) R       \ttramp: 0xffffffffc0a00000" }],
    ["another function is redirected", { [ENABLED]: REDIRECTED.replace("second", "third") }],
    ["one of its name in a module is", { [ENABLED]: REDIRECTED.replace("second", "second [kvm]") }],
  ])("is free where %s", async (_, files) => {
    await check(files);
  });

  it("is free where live patches share it", async () => {
    await check({ [ENABLED]: REDIRECTED }, [patch]);
  });

  it.each([ENABLED, DEBUGFS])("is taken by whoever redirects it, says %s", async (path) => {
    await expect(check({ [path]: `first (1) \t->trace\n${REDIRECTED}\n` })).rejects.toMatchObject({
      code: "apply",
      message: "could not apply fix: second is redirected by something else",
      details: { cause: "kprobe_conflict", function: "second" },
    });
  });

  it("is no matter of Ksplice's, which writes over the function itself", async () => {
    const system = new FakeSystem();
    system.files.set(ENABLED, REDIRECTED);
    await requireNoFtraceConflict({ ...update, engine: "ksplice" }, [], system);
  });
});
