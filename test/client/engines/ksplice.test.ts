import { beforeEach, describe, expect, it } from "vitest";
import type {
  ApplyOptions,
  Engine,
  EngineChange,
  LoadableModule,
  Progress,
} from "../../../client/engines/engine.ts";
import { kspliceEngine } from "../../../client/engines/ksplice.ts";
import { objectName, updateId } from "../../../shared/brand.ts";
import { FakeKsplice } from "../../support/fake_ksplice.ts";
import { openFile } from "../../support/fake_system.ts";

const KID = "ab12cd34";
const WHOLE: ApplyOptions = { partial: false, matchAgain: async () => undefined };

const part = (target: string, role: "new" | "old"): LoadableModule => ({
  name: objectName(`ksplice_${KID}_${target}_${role}`),
  file: openFile(`/var/lib/rebootless/ksplice_${KID}_${target}_${role}.ko`),
  role,
  target: objectName(target),
});
const core: LoadableModule = {
  name: objectName(`ksplice_${KID}`),
  file: openFile(`/var/lib/rebootless/ksplice_${KID}.ko`),
  role: "core",
  target: null,
};
const parts = [part("vmlinux", "new"), part("vmlinux", "old"), part("ext4", "new"), part("ext4", "old")];

const changeOf = (modules: readonly LoadableModule[]): EngineChange => ({
  id: updateId("fix"),
  modules,
  objects: [objectName("vmlinux"), objectName("ext4")],
  replaces: [],
});

const N = (target: string) => `ksplice_${KID}_${target}_new`;
const O = (target: string) => `ksplice_${KID}_${target}_old`;

let system: FakeKsplice;
let engine: Engine;
let change: EngineChange;
let told: Progress[];

function host(integrated: boolean): void {
  system = new FakeKsplice(integrated);
  system.modules.push("ext4");
  told = [];
  engine = kspliceEngine({ system, progress: (now) => told.push(now) });
  change = changeOf(integrated ? parts : [core, ...parts]);
}

const ours = () => system.modules.filter((name) => name.startsWith("ksplice_"));

describe.each([
  ["built in", true],
  ["standalone", false],
])("the ksplice engine, %s", (_, integrated) => {
  beforeEach(() => host(integrated));
  const cores = integrated ? [] : [`ksplice_${KID}`];

  it("loads core, new and old, applies, and removes the old modules", async () => {
    expect(await engine.apply(change, WHOLE)).toEqual({
      outcome: "applied",
      milliseconds: 40,
      pending: [],
      replaced: [],
    });
    expect(system.did).toEqual([
      ...cores.map((name) => `insmod ${name}`),
      ...["vmlinux", "ext4"].flatMap((target) => [`insmod ${N(target)}`, `insmod ${O(target)}`]),
      "partial=0",
      "stage=applied",
      `rmmod ${O("ext4")}`,
      `rmmod ${O("vmlinux")}`,
    ]);
    expect(system.stage).toBe("applied");
  });

  it("undoes: reversed, new modules out, cleanup, core out", async () => {
    await engine.apply(change, WHOLE);
    system.did.length = 0;
    expect(await engine.undo(change)).toMatchObject({ outcome: "undone" });
    expect(system.did).toEqual([
      "stage=reversed",
      `rmmod ${N("ext4")}`,
      `rmmod ${N("vmlinux")}`,
      "stage=cleanup",
      ...cores.map((name) => `rmmod ${name}`),
    ]);
    expect(ours()).toEqual([]);
    expect(system.stage).toBeUndefined();
    system.did.length = 0;
    expect(await engine.undo(change)).toEqual({ outcome: "undone", milliseconds: 0 });
    expect(system.did).toEqual([]);
  });

  it("lists an update with its stage and its targets", async () => {
    expect(await engine.loaded()).toEqual([]);
    await engine.apply(change, WHOLE);
    const listed = { name: `ksplice_${KID}`, engine: "ksplice", functions: [], replaces: null, order: null };
    expect(await engine.loaded()).toEqual([
      {
        ...listed,
        state: "applied",
        objects: [
          { name: "ext4", patched: null },
          { name: "vmlinux", patched: null },
        ],
      },
    ]);
    system.modules = system.modules.filter((name) => name !== "ext4");
    expect(await engine.loaded()).toMatchObject([{ objects: [{ name: "ext4", patched: false }, {}] }]);
    system.stage = "reversed";
    expect(await engine.loaded()).toMatchObject([
      { state: "disabled", objects: [{ patched: false }, { patched: false }] },
    ]);
  });

  it.each([
    "no_match",
    "bad_system_map",
    "module_busy",
    "out_of_memory",
    "failed_to_find",
    "already_reversed",
    "missing_export",
    "unexpected_running_task",
    "target_not_loaded",
    "call_failed",
    "cold_update_loaded",
    "unexpected",
    "unknown",
  ])("%s aborts it, and takes everything out", async (abort) => {
    system.tries.push({ abort }, { abort }, { abort });
    expect(await engine.apply(change, WHOLE)).toEqual({
      outcome: "aborted",
      cause: abort,
      detail: `Ksplice's abort_cause is "${abort}"`,
      blockedBy: [],
      restored: true,
    });
    expect(ours()).toEqual([]);
    expect(system.stage).toBeUndefined();
  });

  it.each([
    ["a word that nobody knows", `\u001b[2J${"x".repeat(60)}`, "unknown"],
    ["ok, and no change", "ok", "unexpected"],
  ])("takes %s for what it is", async (_what, abort, cause) => {
    system.tries.push({ abort });
    const outcome = await engine.apply(change, WHOLE);
    expect(outcome).toMatchObject({ cause, restored: true });
    expect(outcome.outcome === "aborted" && outcome.detail).toMatch(/^[ -~]{1,100}$/);
  });

  it("tries again what is busy, twice, and names the tasks", async () => {
    const busy = {
      abort: "code_busy",
      conflicts: "my worker 3 812 sys_read do_it\nX 9 f\n\nno pid here\n",
      ms: 4000,
    };
    system.files.set("/proc/812/stack", "[<0>] vfs_read+0x1/0x2\n");
    system.tries.push(busy, busy);
    expect(await engine.apply(change, WHOLE)).toMatchObject({ outcome: "applied" });
    expect(told.map(({ seconds, doing }) => [seconds, doing])).toEqual([
      [4, "applying"],
      [10, "applying"],
    ]);
    expect(told[0]?.blockedBy).toEqual([
      { pid: 812, name: "my worker 3", stack: ["vfs_read+0x1/0x2"] },
      { pid: 9, name: "X", stack: ["f"] },
    ]);
  });

  it("gives up what stays busy", async () => {
    system.tries.push(...Array(4).fill({ abort: "code_busy", conflicts: "a 1 f" }));
    expect(await engine.apply(change, WHOLE)).toMatchObject({
      cause: "code_busy",
      blockedBy: [{ pid: 1 }],
      restored: true,
    });
    expect(system.tries).toHaveLength(1);
    expect(ours()).toEqual([]);
  });

  it("does not try again what the kernel tried for long", async () => {
    system.tries.push({ abort: "code_busy", ms: 5100 });
    expect(await engine.apply(change, WHOLE)).toMatchObject({ cause: "code_busy" });
    expect(system.did.filter((what) => what === "stage=applied")).toHaveLength(1);
  });

  it("leaves in force what cannot be reversed", async () => {
    await engine.apply(change, WHOLE);
    system.tries.push(...Array(3).fill({ abort: "code_busy", conflicts: "a b 77 f" }));
    expect(await engine.undo(change)).toMatchObject({
      cause: "code_busy",
      detail: expect.stringContaining("stays in force"),
      blockedBy: [{ pid: 77, name: "a b" }],
      restored: true,
    });
    expect(system.stage).toBe("applied");
    expect(ours()).toEqual([...cores, N("vmlinux"), N("ext4")]);
  });

  it("needs every target, unless it may be partial: then the kernel is told, and the others are pending", async () => {
    system.modules = system.modules.filter((name) => name !== "ext4");
    expect(await engine.apply(change, WHOLE)).toMatchObject({ cause: "target_not_loaded", restored: true });
    expect(system.did).toEqual([]);
    expect(await engine.apply(change, { ...WHOLE, partial: true })).toMatchObject({
      outcome: "applied",
      pending: ["ext4"],
    });
    expect(system.did).toContain("partial=1");
  });

  it("takes out what loaded when a module is refused", async () => {
    system.refuses.add(O("ext4"));
    expect(await engine.apply(change, WHOLE)).toMatchObject({ cause: "wrong_kernel", restored: true });
    expect(ours()).toEqual([]);
  });

  it("says when what loaded cannot be taken out", async () => {
    system.tries.push({ abort: "no_match" });
    system.stuck.add(N("vmlinux"));
    expect(await engine.apply(change, WHOLE)).toMatchObject({ cause: "no_match", restored: false });
  });

  it("refuses to load twice", async () => {
    await engine.apply(change, WHOLE);
    expect(await engine.preflight(change, WHOLE)).toMatchObject({ cause: "already_loaded", restored: true });
    expect(await engine.apply(change, WHOLE)).toMatchObject({ cause: "already_loaded" });
    expect(system.stage).toBe("applied");
  });

  it.each(["preparing", "reversed"])("begins anew after a run that was killed: %s", async (stage) => {
    await engine.apply(change, WHOLE);
    system.stage = stage;
    expect(await engine.apply(change, WHOLE)).toMatchObject({ outcome: "applied" });
    expect(system.stage).toBe("applied");
  });

  it("finishes an undo that was killed", async () => {
    await engine.apply(change, WHOLE);
    system.stage = "reversed";
    expect(await engine.undo(change)).toMatchObject({ outcome: "undone" });
    expect(ours()).toEqual([]);
  });

  it("says when an update that was reversed does not go", async () => {
    await engine.apply(change, WHOLE);
    system.cleanupMs = Number.POSITIVE_INFINITY;
    expect(await engine.undo(change)).toMatchObject({ cause: "module_busy", restored: false });
  });

  it("asks an update to tell about itself, and passes its last line on", async () => {
    engine = kspliceEngine({ system, debug: 1 });
    system.files.set(`/sys/kernel/debug/ksplice_${KID}`, "matching\nrun-pre: differs at f+0x12");
    system.tries.push({ abort: "no_match" });
    expect(await engine.apply(change, WHOLE)).toMatchObject({
      detail: expect.stringContaining("(run-pre: differs at f+0x12)"),
    });
    expect(system.did).toContain("debug=1");
  });

  it("takes everything out when sysfs cannot be written", async () => {
    system.broken.add(`${system.folder}/partial`);
    expect(await engine.apply(change, WHOLE)).toMatchObject({
      cause: "unexpected",
      detail: expect.stringContaining("EIO"),
      restored: true,
    });
    expect(ours()).toEqual([]);
  });

  it("does without what it may not read", async () => {
    system.broken.add("/proc/812/stack").add(`/sys/kernel/debug/ksplice_${KID}`);
    system.tries.push(...Array(3).fill({ abort: "code_busy", conflicts: "task 812 f" }));
    expect(await engine.apply(change, WHOLE)).toMatchObject({
      cause: "code_busy",
      blockedBy: [{ stack: ["f"] }],
    });
  });

  it("loads nothing where modules are disabled", async () => {
    system.files.set("/proc/sys/kernel/modules_disabled", "1");
    expect(await engine.apply(change, WHOLE)).toMatchObject({ cause: "modules_disabled" });
    expect(system.did).toEqual([]);
  });
});

describe("the ksplice engine", () => {
  beforeEach(() => host(false));

  it("does not take an update without a core where Ksplice is not built in", async () => {
    await expect(engine.apply(changeOf(parts), WHOLE)).rejects.toMatchObject({ code: "unsupported" });
  });

  it.each<[string, readonly LoadableModule[]]>([
    ["no module", []],
    ["two ids", [core, { ...part("ext4", "new"), name: objectName("ksplice_zzzzzzzz_ext4_new") }]],
    ["another role", [core, { ...part("ext4", "new"), role: "old" }]],
    ["another target", [core, { ...part("ext4", "new"), target: objectName("xfs") }]],
    ["a name of another kind", [{ ...core, name: objectName("livepatch_fix"), role: "patch" }]],
    ["an id that is too long", [{ ...core, name: objectName("ksplice_ab12cd345") }]],
  ])("does not take an update with %s", async (_, modules) => {
    await expect(engine.apply(changeOf(modules), WHOLE)).rejects.toMatchObject({ code: "unsupported" });
    await expect(engine.undo(changeOf(modules))).rejects.toMatchObject({ code: "unsupported" });
    expect(system.did).toEqual([]);
  });

  it("knows the update's own module by its name", async () => {
    const own = { ...core, role: "patch" } as const;
    expect(await engine.apply(changeOf([own, ...parts]), WHOLE)).toMatchObject({ outcome: "applied" });
  });
});
