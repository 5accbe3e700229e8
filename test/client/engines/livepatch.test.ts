import { beforeEach, describe, expect, it } from "vitest";
import type { Change, Engine } from "../../../client/engines/engine.ts";
import { livepatchEngine } from "../../../client/engines/livepatch.ts";
import { objectName, updateId } from "../../../shared/brand.ts";
import { FakeSystem } from "../../support/fake_system.ts";

const NAME = objectName("livepatch_fix");
const FILE = `/var/lib/rebootless/${NAME}.ko`;
const WHOLE = { partial: false };
const CHANGE: Change = {
  id: updateId("fix"),
  modules: [{ name: NAME, file: FILE, role: "patch", target: null }],
  objects: [objectName("vmlinux")],
  replaces: [],
};

let system: FakeSystem;
let engine: Engine;
let waited: number[];
beforeEach(async () => {
  system = new FakeSystem();
  waited = [];
  engine = livepatchEngine({ system, progress: ({ seconds }) => waited.push(seconds) });
});

const thread = (comm: string, patchState: string) => ({ comm, patchState });

/** kworker has gone over; of java one thread has, one has not. */
function stuckTasks(behind: string, over: string): void {
  system.tasks.set(7, new Map([[7, thread("kworker/0:1", over)]]));
  system.tasks.set(
    80,
    new Map([
      [80, thread("java", over)],
      [81, thread("GC Thread#0", behind)],
    ]),
  );
  system.tasks.set(90, new Map([[90, thread("sleepy", behind)]]));
  system.tasks.set(91, new Map([[91, thread("outside", "-1")]]));
}

describe("the livepatch engine", () => {
  it("has nothing loaded, and applies nothing, where the kernel has no livepatch", async () => {
    system.livepatch = false;
    expect(await engine.loaded()).toEqual([]);
    await expect(engine.apply(CHANGE, WHOLE)).rejects.toMatchObject({ code: "unsupported" });
  });

  describe("applying", () => {
    it("loads the module and waits for the transition to end", async () => {
      system.transitionMs = 400;
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ outcome: "applied", milliseconds: 400 });
      expect(system.ran).toEqual([`insmod ${FILE}`]);
      expect(system.patches.get(NAME)).toMatchObject({ enabled: true, left: 0 });
    });

    it("says once a second how long it has waited", async () => {
      system.transitionMs = 3500;
      await engine.apply(CHANGE, WHOLE);
      expect(waited).toEqual([1, 2, 3]);
    });

    it("gives the last line of what insmod said as the reason of a refusal", async () => {
      system.insmod = { code: 1, stderr: "a warning\ninsmod: ERROR: Key was rejected by service\n" };
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({
        outcome: "aborted",
        detail: "insmod: ERROR: Key was rejected by service",
      });
    });

    it("takes out again a module that loaded and patches nothing", async () => {
      system.registers = false;
      const outcome = await engine.apply(CHANGE, WHOLE);
      expect(outcome).toMatchObject({ outcome: "aborted", detail: expect.stringContaining("not list it") });
      expect(system.modules).toEqual(new Set());
    });

    it("names the threads that hold a transition up, reverses it and unloads the module", async () => {
      system.transitionMs = Number.POSITIVE_INFINITY;
      system.reversalMs = 200;
      stuckTasks("0", "1");
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({
        outcome: "aborted",
        blockedBy: [
          { pid: 81, name: "GC Thread#0" },
          { pid: 90, name: "sleepy" },
        ],
        restored: true,
      });
      expect(system.ran).toEqual([`insmod ${FILE}`, `rmmod ${NAME}`]);
      expect(system.patches.size + system.modules.size).toBe(0);
      expect(waited).toHaveLength(60);
    });

    it("names 32 threads at the most", async () => {
      system.transitionMs = Number.POSITIVE_INFINITY;
      const many = Array.from({ length: 40 }, (_, i) => [100 + i, thread("worker", "0")] as const);
      system.tasks.set(100, new Map(many));
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ blockedBy: { length: 32 } });
    });

    it("passes over a task that ends while it is looked at", async () => {
      system.transitionMs = Number.POSITIVE_INFINITY;
      stuckTasks("0", "1");
      system.beforeRead = (path) => path === "/proc/80/task/80/patch_state" && system.tasks.delete(80);
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ blockedBy: [{ pid: 90 }] });
    });

    it.each([
      ["the kernel would not reverse it", () => new Error("EBUSY"), { code: 0, stderr: "" }, 0],
      ["the reversal does not end", () => undefined, { code: 0, stderr: "" }, Number.POSITIVE_INFINITY],
      ["the module cannot go", () => undefined, { code: 1, stderr: "rmmod: in use" }, 0],
    ])("says when %s", async (_, writeError, rmmod, reversalMs) => {
      system.transitionMs = Number.POSITIVE_INFINITY;
      Object.assign(system, { writeError: writeError(), rmmod, reversalMs });
      expect(await engine.apply(CHANGE, WHOLE)).toMatchObject({ outcome: "aborted", restored: false });
    });
  });

  describe("undoing", () => {
    beforeEach(async () => {
      await engine.apply(CHANGE, WHOLE);
      system.ran.length = 0;
    });

    it("disables the patch, waits until it is out and unloads the module", async () => {
      system.reversalMs = 300;
      expect(await engine.undo(CHANGE)).toEqual({ outcome: "undone", milliseconds: 300 });
      expect(system.ran).toEqual([`rmmod ${NAME}`]);
      expect(system.patches.size + system.modules.size).toBe(0);
    });

    it("names the tasks that hold it up, and unloads nothing", async () => {
      system.reversalMs = Number.POSITIVE_INFINITY;
      stuckTasks("1", "0");
      expect(await engine.undo(CHANGE)).toMatchObject({
        outcome: "aborted",
        blockedBy: [{ pid: 81 }, { pid: 90 }],
      });
      expect(system.ran).toEqual([]);
    });

    it("goes on with one that stalled before", async () => {
      system.reversalMs = 90_000;
      expect(await engine.undo(CHANGE)).toMatchObject({ outcome: "aborted" });
      system.writeError = new Error("EINVAL: it is disabled already");
      expect(await engine.undo(CHANGE)).toMatchObject({ outcome: "undone" });
    });

    it("gives the kernel's reason when it will not disable the patch", async () => {
      system.writeError = new Error("EBUSY: resource busy");
      expect(await engine.undo(CHANGE)).toMatchObject({ outcome: "aborted", detail: "EBUSY: resource busy" });
    });

    it("gives the reason when the module will not go", async () => {
      system.rmmod = { code: 1, stderr: "rmmod: ERROR: Module is in use\n" };
      expect(await engine.undo(CHANGE)).toMatchObject({
        outcome: "aborted",
        detail: "rmmod: ERROR: Module is in use",
      });
    });
  });

  describe("listing", () => {
    it("gives every patch with its state and its functions, sorted", async () => {
      const functions = ["vmlinux/tcp_v4_rcv,1", "kvm/kvm_arch_init,2", "vmlinux/cmdline_proc_show,1"];
      system.patches.set("in_force", { enabled: true, left: 0, functions });
      system.patches.set("going_in", { enabled: true, left: 9, functions: [] });
      system.patches.set("going_out", { enabled: false, left: 9, functions: [] });
      system.patches.set("out", { enabled: false, left: 0, functions: [] });
      expect(await engine.loaded()).toEqual([
        { name: "going_in", engine: "livepatch", state: "transition", functions: [], objects: [] },
        { name: "going_out", engine: "livepatch", state: "transition", functions: [], objects: [] },
        {
          name: "in_force",
          engine: "livepatch",
          state: "applied",
          objects: [
            { name: "kvm", patched: null },
            { name: "vmlinux", patched: null },
          ],
          functions: ["kvm/kvm_arch_init,2", "vmlinux/cmdline_proc_show,1", "vmlinux/tcp_v4_rcv,1"],
        },
        { name: "out", engine: "livepatch", state: "disabled", functions: [], objects: [] },
      ]);
    });

    it("passes over a patch that goes while it is read", async () => {
      system.patches.set("here", { enabled: true, left: 0, functions: [] });
      system.patches.set("gone", { enabled: true, left: 0, functions: [] });
      system.beforeRead = (path) => path.includes("/gone/") && system.patches.delete("gone");
      expect((await engine.loaded()).map(({ name }) => name)).toEqual(["here"]);
    });
  });
});
