import { beforeEach, describe, expect, it } from "vitest";
import { abortOf } from "../../../client/engines/causes.ts";
import type { ApplyOptions, Engine, EngineChange, Progress } from "../../../client/engines/engine.ts";
import { livepatchEngine } from "../../../client/engines/livepatch.ts";
import { objectName, updateId } from "../../../shared/brand.ts";
import { FakeSystem, type Load, openFile } from "../../support/fake_system.ts";

const NAME = objectName("livepatch_fix");
const FILE = `/var/lib/rebootless/${NAME}.ko`;
const WHOLE: ApplyOptions = { partial: false, matchAgain: async () => undefined };
const CHANGE: EngineChange = {
  id: updateId("fix"),
  modules: [{ name: NAME, file: openFile(FILE), role: "patch", target: null }],
  objects: [objectName("vmlinux")],
  replaces: [],
};

let system: FakeSystem;
let engine: Engine;
let waited: Progress[];
let stop: AbortController;
beforeEach(async () => {
  system = new FakeSystem();
  waited = [];
  stop = new AbortController();
  engine = livepatchEngine({ system, progress: (now) => waited.push(now), stop: stop.signal });
});

/** A request that comes when so much time has passed. */
function stopAt(milliseconds: number): void {
  const at = system.uptime() + milliseconds;
  system.beforeRead = () => {
    if (system.uptime() >= at) stop.abort("SIGTERM");
  };
}

const thread = (comm: string, patchState: string, stack?: string) => ({
  comm,
  patchState,
  ...(stack && { stack }),
});

const STACK = "[<0>] cmdline_proc_show+0x12/0x40\n[<0>] seq_read_iter+0x124/0x4b0\n";

/** kworker has gone over; of java one thread has, one has not. */
function stuckTasks(behind: string, over: string): void {
  system.tasks.set(7, new Map([[7, thread("kworker/0:1", over)]]));
  system.tasks.set(
    80,
    new Map([
      [80, thread("java", over)],
      [81, thread("GC Thread#0", behind, STACK)],
    ]),
  );
  system.tasks.set(90, new Map([[90, thread("sle\u001b[2Jepy", behind)]]));
  system.tasks.set(91, new Map([[91, thread("outside", "-1")]]));
}

const STUCK = [
  {
    pid: 81,
    name: "GC Thread#0",
    stack: ["cmdline_proc_show+0x12/0x40", "seq_read_iter+0x124/0x4b0"],
  },
  { pid: 90, name: "sle\\x1b[2Jepy", stack: [] },
];

const FOREVER = Number.POSITIVE_INFINITY;
const BUSY: Load = {
  code: 1,
  stderr: `insmod: ERROR: could not insert module ${FILE}: Device or resource busy\n`,
};

describe("the livepatch engine", () => {
  it("has nothing loaded, and applies nothing, where the kernel has no livepatch", async () => {
    system.livepatch = false;
    expect(await engine.loaded()).toEqual([]);
    await expect(engine.apply(CHANGE, WHOLE)).rejects.toMatchObject({ code: "unsupported" });
    await expect(engine.preflight(CHANGE, WHOLE)).rejects.toMatchObject({ code: "unsupported" });
  });

  it("takes one module, the patch, and no other kind of change", async () => {
    const [patch] = CHANGE.modules;
    for (const modules of [[], [patch, patch], [{ ...patch, role: "new" }]]) {
      const change = { ...CHANGE, modules } as EngineChange;
      await expect(engine.apply(change, WHOLE)).rejects.toMatchObject({ code: "unsupported" });
      await expect(engine.undo(change)).rejects.toMatchObject({ code: "unsupported" });
    }
    expect(system.ran).toEqual([]);
  });

  describe("applying", () => {
    it("loads the module and waits for the transition to end", async () => {
      system.transitionMs = 400;
      expect(await engine.apply(CHANGE, WHOLE)).toEqual({
        outcome: "applied",
        milliseconds: 400,
        pending: [],
        replaced: [],
      });
      expect(system.ran).toEqual([`insmod ${FILE}`]);
      expect(system.patches.get(NAME)).toMatchObject({ enabled: true, left: 0 });
      expect(system.openLogs).toBe(0);
    });

    it("says once a second how long it has waited, and after 5 s who holds it up", async () => {
      system.transitionMs = 11_500;
      stuckTasks("0", "1");
      await engine.apply(CHANGE, WHOLE);
      expect(waited.map(({ seconds }) => seconds)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      const told = waited.filter(({ blockedBy }) => blockedBy.length > 0);
      expect(told).toEqual(
        [5, 10].map((seconds) => ({
          id: "fix",
          doing: "applying",
          seconds,
          deadlineSeconds: 60,
          blockedBy: STUCK,
        })),
      );
    });

    it("takes out again a module that loaded and patches nothing", async () => {
      system.registers = false;
      const outcome = await engine.apply(CHANGE, WHOLE);
      expect(outcome).toMatchObject({ cause: "unexpected", detail: expect.stringContaining("not list it") });
      expect(outcome).toMatchObject({ restored: true });
      expect(system.modules).toEqual(new Set());
    });

    it("names the threads that hold a transition up, reverses it and unloads the module", async () => {
      system.transitionMs = FOREVER;
      system.turnMs = 200;
      stuckTasks("0", "1");
      expect(await engine.apply(CHANGE, WHOLE)).toEqual({
        outcome: "aborted",
        cause: "code_busy",
        detail: expect.stringContaining("reversed"),
        blockedBy: STUCK,
        restored: true,
      });
      expect(system.ran).toEqual([`insmod ${FILE}`, `rmmod ${NAME}`]);
      expect(system.patches.size + system.modules.size).toBe(0);
      expect(waited).toHaveLength(60);
    });

    it("reverses at once when the run is asked to end, tries no more, and sees the way back through", async () => {
      Object.assign(system, { transitionMs: FOREVER, turnMs: 20_000 });
      stopAt(2000);
      expect(await engine.apply(CHANGE, WHOLE)).toEqual({
        outcome: "aborted",
        cause: "stopped",
        detail: "the transition was reversed, as SIGTERM asked the run to end",
        blockedBy: [],
        restored: true,
      });
      expect(system.uptime()).toBeLessThan(24_000);
      expect(system.ran).toEqual([`insmod ${FILE}`, `rmmod ${NAME}`]);
      expect(system.patches.size + system.modules.size).toBe(0);
    });

    it("says when a run that is asked to end cannot take it back", async () => {
      Object.assign(system, { transitionMs: FOREVER, turnMs: FOREVER });
      stopAt(2000);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({
        cause: "stopped",
        detail: expect.stringMatching(/SIGTERM asked the run to end, .* could not be reversed: it goes on/),
        restored: false,
      });
    });

    it("does not wait for another patch, nor try again, once the run is asked to end", async () => {
      system.patches.set("other", { enabled: true, left: FOREVER, functions: [] });
      stopAt(2000);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ cause: "stopped", restored: true });
      system.patches.clear();
      system.loads.push(BUSY, BUSY);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ cause: "busy_transition" });
      expect(system.ran).toEqual([`insmod ${FILE}`]);
    });

    it("matches again what another patch may have changed while it was waited for", async () => {
      let matched = 0;
      const matchAgain = async () => {
        matched++;
        expect(system.ran).toEqual([]);
        return undefined;
      };
      await engine.apply(CHANGE, { ...WHOLE, matchAgain });
      expect(matched).toBe(0);
      await engine.undo(CHANGE);
      system.ran.length = 0;
      system.patches.set("other", { enabled: true, left: 300, functions: [] });
      expect(await engine.apply(CHANGE, { ...WHOLE, matchAgain })).toMatchObject({ outcome: "applied" });
      expect(matched).toBe(1);
    });

    it("matches again before it tries again, and loads nothing that does not match any more", async () => {
      system.loads.push(BUSY);
      const matchAgain = async () => abortOf("no_match", "somebody was here");
      expect(await engine.apply(CHANGE, { ...WHOLE, matchAgain })).toMatchObject({
        cause: "no_match",
        detail: "somebody was here",
        restored: true,
      });
      expect(system.ran).toEqual([`insmod ${FILE}`]);
    });

    it("names 32 threads at the most", async () => {
      system.transitionMs = FOREVER;
      const many = Array.from({ length: 40 }, (_, i) => [100 + i, thread("worker", "0")] as const);
      system.tasks.set(100, new Map(many));
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ blockedBy: { length: 32 } });
    });

    it("passes over a task that ends while it is looked at", async () => {
      system.transitionMs = FOREVER;
      stuckTasks("0", "1");
      system.beforeRead = (path) => path === "/proc/80/task/80/patch_state" && system.tasks.delete(80);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ blockedBy: [{ pid: 90 }] });
    });

    it.each([
      ["the kernel would not reverse it", () => new Error("EIO"), { code: 0, stderr: "" }, 0],
      ["the reversal does not end", () => undefined, { code: 0, stderr: "" }, FOREVER],
      ["the module cannot go", () => undefined, { code: 1, stderr: "rmmod: in use" }, 0],
    ])("says when %s", async (_, writeError, rmmod, turnMs) => {
      system.transitionMs = FOREVER;
      Object.assign(system, { writeError: writeError(), rmmod, turnMs });
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({
        cause: "code_busy",
        detail: expect.stringContaining("could not be reversed"),
        restored: false,
      });
    });

    it("gives a module time to lose its last reference", async () => {
      Object.assign(system, { transitionMs: FOREVER, inUse: 5 });
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ cause: "code_busy", restored: true });
      expect(system.modules.size).toBe(0);
    });

    it("loads again what a killed run left as a module without a patch", async () => {
      system.modules.add(NAME);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ outcome: "applied" });
      expect(system.ran).toEqual([`rmmod ${NAME}`, `insmod ${FILE}`]);
    });

    it("leaves alone a module of the name that is no live patch", async () => {
      system.plain.add(NAME);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ cause: "already_loaded", restored: true });
      expect(system.ran).toEqual([]);
    });
  });

  describe("what it foresees", () => {
    const kvm = objectName("kvm");
    const two: EngineChange = { ...CHANGE, objects: [objectName("vmlinux"), kvm] };

    it.each([
      ["ftrace_disabled", "/proc/sys/kernel/ftrace_enabled", "0"],
      ["modules_disabled", "/proc/sys/kernel/modules_disabled", "1"],
    ])("%s", async (cause, path, text) => {
      system.files.set(path, text);
      expect(await engine.preflight(CHANGE, WHOLE)).toMatchObject({ cause, restored: true, blockedBy: [] });
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ outcome: "aborted", cause });
      expect(system.ran).toEqual([]);
    });

    it("already_loaded", async () => {
      system.patches.set(NAME, { enabled: true, left: 0, functions: [] });
      expect(await engine.preflight(CHANGE, WHOLE)).toMatchObject({ cause: "already_loaded" });
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ cause: "already_loaded", restored: true });
      expect(system.ran).toEqual([]);
    });

    it("target_not_loaded, unless it may be partial: then it is pending", async () => {
      expect(await engine.apply(two, WHOLE)).toMatchObject({
        cause: "target_not_loaded",
        detail: "not loaded: kvm",
      });
      expect(system.ran).toEqual([]);
      expect(await engine.preflight(two, { ...WHOLE, partial: true })).toBeUndefined();
      expect(await engine.apply(two, { ...WHOLE, partial: true })).toMatchObject({
        outcome: "applied",
        pending: [kvm],
      });
    });

    it("nothing when all is well", async () => {
      system.plain.add(kvm);
      expect(await engine.preflight(two, WHOLE)).toBeUndefined();
      expect(await engine.apply(two, WHOLE)).toMatchObject({ outcome: "applied", pending: [] });
    });
  });

  describe("another patch in transition", () => {
    const other = (left: number) => system.patches.set("other", { enabled: true, left, functions: [] });

    it("is waited for", async () => {
      other(3_000);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ outcome: "applied", milliseconds: 0 });
      expect(waited.map(({ doing }) => doing)).toEqual([
        "waiting for another patch",
        "waiting for another patch",
      ]);
    });

    it("that does not end is busy_transition, and nothing is loaded", async () => {
      other(FOREVER);
      stuckTasks("0", "1");
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({
        cause: "busy_transition",
        detail: expect.stringContaining("other"),
        restored: true,
      });
      expect(system.ran).toEqual([]);
      expect(waited.find(({ blockedBy }) => blockedBy.length > 0)?.blockedBy).toEqual(STUCK);
    });

    it("that was quicker is tried again, twice", async () => {
      system.loads.push(BUSY, BUSY);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ outcome: "applied" });
      expect(system.ran).toHaveLength(3);
      expect(system.uptime()).toBe(1000 + 2 * 2000);
    });

    it("that is always quicker is given up", async () => {
      system.loads.push(BUSY, BUSY, BUSY, BUSY);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ cause: "busy_transition", restored: true });
      expect(system.ran).toHaveLength(3);
    });

    it("keeps an undo from beginning, and it is tried again", async () => {
      await engine.apply(CHANGE, WHOLE);
      system.writeError = Object.assign(new Error("EBUSY: resource busy or locked, write"), {
        code: "EBUSY",
      });
      expect(await engine.undo(CHANGE)).toMatchObject({ cause: "busy_transition", restored: true });
      expect(system.uptime()).toBe(1000 + 2 * 2000);
    });
  });

  describe("a patch that replaces", () => {
    it("tells which patches it put out of force, and unloads those that are ours", async () => {
      for (const name of ["ours", "theirs"]) {
        system.patches.set(name, { enabled: true, left: 0, functions: [] });
        system.modules.add(name);
      }
      system.patches.set("long_out", { enabled: false, left: 0, functions: [] });
      system.replace = true;
      const replaces = [objectName("ours"), objectName("never_was")];
      expect(await engine.apply({ ...CHANGE, replaces }, WHOLE)).toMatchObject({
        replaced: ["ours", "theirs"],
      });
      expect(system.ran).toEqual([`insmod ${FILE}`, "rmmod ours"]);
    });
  });

  describe("undoing", () => {
    beforeEach(async () => {
      await engine.apply(CHANGE, WHOLE);
      system.ran.length = 0;
    });

    it("disables the patch, waits until it is out and unloads the module", async () => {
      system.outMs = 300;
      expect(await engine.undo(CHANGE)).toEqual({ outcome: "undone", milliseconds: 300 });
      expect(system.ran).toEqual([`rmmod ${NAME}`]);
      expect(system.patches.size + system.modules.size).toBe(0);
    });

    it("turns one that stalls: the patch stays in force", async () => {
      Object.assign(system, { outMs: FOREVER, turnMs: 400 });
      stuckTasks("1", "0");
      expect(await engine.undo(CHANGE)).toEqual({
        outcome: "aborted",
        cause: "code_busy",
        detail: expect.stringContaining("stays in force"),
        blockedBy: STUCK,
        restored: true,
      });
      expect(system.patches.get(NAME)).toMatchObject({ enabled: true, left: 0 });
      expect(system.ran).toEqual([]);
    });

    it("stays in force when the run is asked to end", async () => {
      Object.assign(system, { outMs: FOREVER, turnMs: 400 });
      stopAt(2000);
      expect(await engine.undo(CHANGE)).toMatchObject({
        cause: "stopped",
        detail: "the transition out was reversed, as SIGTERM asked the run to end: it stays in force",
        restored: true,
      });
      expect(system.patches.get(NAME)).toMatchObject({ enabled: true, left: 0 });
    });

    it("says when it could not be turned, and goes on with it later", async () => {
      Object.assign(system, { outMs: FOREVER, turnMs: FOREVER });
      expect(await engine.undo(CHANGE)).toMatchObject({ cause: "code_busy", restored: false });
      expect(system.ran).toEqual([]);
      system.patches.set(NAME, { enabled: false, left: 700, functions: [] });
      expect(await engine.undo(CHANGE)).toMatchObject({ outcome: "undone", milliseconds: 700 });
    });

    it("takes one that ended the moment before it was turned for what it is", async () => {
      system.outMs = FOREVER;
      stuckTasks("1", "0");
      system.beforeRead = (path) => {
        if (path === "/proc/90/stack" && system.uptime() >= 61_000) system.patches.clear();
      };
      expect(await engine.undo(CHANGE)).toMatchObject({ outcome: "undone" });
      expect(system.ran).toEqual([`rmmod ${NAME}`]);
    });

    it("finds what is out already out, and unloads what it left", async () => {
      system.patches.clear();
      expect(await engine.undo(CHANGE)).toEqual({ outcome: "undone", milliseconds: 0 });
      expect(system.ran).toEqual([`rmmod ${NAME}`]);
      expect(await engine.undo(CHANGE)).toEqual({ outcome: "undone", milliseconds: 0 });
      expect(system.ran).toHaveLength(1);
    });

    it("gives the kernel's reason when it will not disable the patch", async () => {
      system.writeError = new Error("EIO: i/o error");
      expect(await engine.undo(CHANGE)).toMatchObject({
        cause: "unknown",
        detail: expect.stringContaining("EIO: i/o error"),
        restored: true,
      });
    });

    it("gives the reason when the module will not go", async () => {
      system.rmmod = { code: 1, stderr: "rmmod: ERROR: Module is in use\n" };
      expect(await engine.undo(CHANGE)).toMatchObject({
        cause: "module_busy",
        detail: expect.stringContaining("rmmod: ERROR: Module is in use"),
        restored: false,
      });
    });
  });

  describe("listing", () => {
    const more = { engine: "livepatch", functions: [], objects: [], replaces: null, order: null };

    it("gives every patch with its state, its functions and its objects, sorted", async () => {
      const functions = ["vmlinux/tcp_v4_rcv,1", "kvm/kvm_arch_init,2", "vmlinux/cmdline_proc_show,1"];
      system.patches.set("in_force", { enabled: true, left: 0, functions });
      system.patches.set("going_in", { enabled: true, left: 9, functions: [] });
      system.patches.set("going_out", { enabled: false, left: 9, functions: [] });
      system.patches.set("out", { enabled: false, left: 0, functions: [] });
      expect(await engine.loaded()).toEqual([
        { ...more, name: "going_in", state: "transition" },
        { ...more, name: "going_out", state: "transition" },
        {
          ...more,
          name: "in_force",
          state: "applied",
          objects: expect.arrayContaining([
            { name: "kvm", patched: null },
            { name: "vmlinux", patched: null },
          ]),
          functions: ["kvm/kvm_arch_init,2", "vmlinux/cmdline_proc_show,1", "vmlinux/tcp_v4_rcv,1"],
        },
        { ...more, name: "out", state: "disabled" },
      ]);
    });

    it("tells what newer kernels tell: each object's state, replacement, the order", async () => {
      for (const [name, order] of [
        ["late", "10"],
        ["early", "9"],
      ] as const) {
        system.patches.set(name, { enabled: true, left: 0, functions: ["kvm/kvm_arch_init,1"] });
        system.files.set(`/sys/kernel/livepatch/${name}/stack_order`, order);
      }
      system.files.set("/sys/kernel/livepatch/late/replace", "1");
      system.files.set("/sys/kernel/livepatch/early/replace", "0");
      system.patches.set("later_kernel", { enabled: true, left: 0, functions: ["kvm/kvm_arch_init,1"] });
      system.files.set("/sys/kernel/livepatch/later_kernel/replace", "2");
      system.files.set("/sys/kernel/livepatch/later_kernel/stack_order", "11");
      system.files.set("/sys/kernel/livepatch/late/kvm/patched", "1");
      system.files.set("/sys/kernel/livepatch/early/kvm/patched", "0");
      expect(await engine.loaded()).toMatchObject([
        { name: "early", order: 9, replaces: false, objects: [{ name: "kvm", patched: false }] },
        { name: "late", order: 10, replaces: true, objects: [{ name: "kvm", patched: true }] },
        { name: "later_kernel", order: 11, replaces: null, objects: [{ name: "kvm", patched: null }] },
      ]);
    });

    it("passes over a patch that goes while it is read", async () => {
      system.patches.set("here", { enabled: true, left: 0, functions: [] });
      system.patches.set("gone", { enabled: true, left: 0, functions: [] });
      system.beforeRead = (path) => path.includes("/gone/") && system.patches.delete("gone");
      expect((await engine.loaded()).map(({ name }) => name)).toEqual(["here"]);
    });

    it("names more functions than a call takes arguments", async () => {
      const functions = Array.from({ length: 200_000 }, (_, i) => `vmlinux/f${i},1`);
      system.patches.set("large", { enabled: true, left: 0, functions, replace: false });
      expect((await engine.loaded())[0]?.functions).toHaveLength(200_000);
    });
  });
});
