import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { objectName, updateId } from "../../../shared/brand.ts";
import { WRITTEN_LINE, writtenModule } from "../../publisher/create/module/written_module.ts";
import type { ChangeOfFiles, Scenario, Step } from "../../support/guest/engine_driver.ts";
import { engineDriver, takeSteps } from "../../support/guest/engine_run.ts";
import { bootGuest, type Guest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { buildModule, type ModuleName } from "../../support/guest/modules/build.ts";

const MODULES = [
  "rebootless_demo_cmdline",
  "rebootless_demo_version",
  "rebootless_patch_all",
  "rebootless_patch_base",
  "rebootless_patch_hold",
  "rebootless_patch_missing",
  "rebootless_patch_state",
  "rebootless_patch_stay",
  "rebootless_patch_unwilling",
  "rebootless_probe",
  "rebootless_target_a",
  "rebootless_target_b",
  "rebootless_target_hold",
] as const satisfies readonly ModuleName[];
type Patch = Extract<(typeof MODULES)[number], `rebootless_${"patch" | "demo"}_${string}`>;

const OBJECTS: Readonly<Partial<Record<Patch, readonly string[]>>> = {
  rebootless_patch_all: ["rebootless_target_a", "rebootless_target_b"],
  rebootless_patch_base: ["rebootless_target_a"],
  rebootless_patch_hold: ["rebootless_target_hold"],
  rebootless_patch_state: ["rebootless_target_a"],
  rebootless_patch_stay: ["rebootless_target_hold"],
};

const changeOf = (name: Patch, more: Partial<ChangeOfFiles> = {}): ChangeOfFiles => ({
  id: updateId(name.replaceAll("_", "-")),
  modules: [{ name: objectName(name), file: `/root/${name}.ko`, role: "patch", target: null }],
  objects: (OBJECTS[name] ?? ["vmlinux"]).map(objectName),
  replaces: [],
  ...more,
});
const apply = (name: Patch, more: Partial<ChangeOfFiles> = {}): Step => ({
  do: "apply",
  change: changeOf(name, more),
});
const undo = (name: Patch): Step => ({ do: "undo", change: changeOf(name) });
/** The kernel's own answer, without what the engine foresees. */
const load = (name: Patch, file = `/root/${name}.ko`): Step => ({ do: "load", name, file });
const write = (path: string, text: string): Step => ({ do: "write", path, text });
const FTRACE = "/proc/sys/kernel/ftrace_enabled";
const HOLD = "/proc/rebootless_target_hold";
const RELEASED = "/sys/module/rebootless_target_hold/parameters/released";

describe.each(["primary", "secondary"] as const)(
  "the livepatch engine on the %s kernel",
  { timeout: 300_000 },
  (role) => {
    const kernel = findKernel(role);
    let guest: Guest;

    beforeAll(async () => {
      const files = [await engineDriver()];
      for (const name of MODULES) {
        files.push({ path: `/root/${name}.ko`, content: { from: await buildModule(kernel, name) } });
      }
      const foreign = await buildModule(
        findKernel(role === "primary" ? "secondary" : "primary"),
        "rebootless_demo_cmdline",
      );
      files.push({ path: "/root/other_kernel.ko", content: { from: foreign } });
      files.push({
        path: "/root/rebootless_written.ko",
        content: writtenModule(kernel, "rebootless_written"),
      });
      guest = await bootGuest({ kernel, files });
    }, 400_000);
    afterAll(async () => guest?.close());

    const take = (steps: readonly Step[], options: Partial<Scenario> = {}) =>
      takeSteps(guest, { engine: "livepatch", ...options }, steps);
    const values = async (steps: readonly Step[], options: Partial<Scenario> = {}) =>
      (await take(steps, options)).map(({ value }) => value);
    const patches = async () => (await guest.mustExec("ls /sys/kernel/livepatch")).trim();
    /** Somebody who sits in the function until he is let go. */
    const sitDown = async (): Promise<number> => {
      const reader = Number(await guest.mustExec(`cat ${HOLD} >/tmp/read 2>&1 & echo $!`));
      await guest.mustExec(`until grep -q target_hold_show /proc/${reader}/stack; do usleep 50000; done`);
      return reader;
    };

    test("the kernel log is read from the moment on in which it was opened", async () => {
      expect(await values([{ do: "log", line: "rebootless-test" }])).toEqual([
        [["rebootless-test first; it is", "rebootless-test second"], []],
      ]);
    });

    test("refusals have the kernel's cause", async () => {
      await guest.mustExec("insmod /root/rebootless_probe.ko");
      const [probed] = await values([apply("rebootless_demo_cmdline")]);
      await guest.mustExec("rmmod rebootless_probe");
      expect(probed).toMatchObject({
        cause: "kprobe_conflict",
        detail: expect.stringContaining("cmdline_proc_show"),
        restored: true,
      });
      const [, foreseen, disabled, , missing, unwilling, foreign] = await values([
        write(FTRACE, "0"),
        apply("rebootless_demo_cmdline"),
        load("rebootless_demo_cmdline"),
        write(FTRACE, "1"),
        apply("rebootless_patch_missing"),
        apply("rebootless_patch_unwilling"),
        load("rebootless_demo_cmdline", "/root/other_kernel.ko"),
      ]);
      expect(foreseen).toMatchObject({ cause: "ftrace_disabled", restored: true });
      expect(disabled).toMatchObject({ cause: "ftrace_disabled", restored: true });
      expect(missing).toMatchObject({
        cause: "failed_to_find",
        detail: expect.stringContaining("function_that_is_not_there"),
        restored: true,
      });
      expect(unwilling).toMatchObject({ cause: "call_failed", restored: true });
      expect(foreign).toMatchObject({
        cause: "wrong_kernel",
        detail: expect.stringMatching(/version magic|disagrees about|section size must match/),
        restored: true,
      });
      expect(await patches()).toBe("");
    });

    test("a module is loaded out of the file that was opened, although another took its path since", async () => {
      const name = "rebootless_demo_cmdline";
      await guest.mustExec(`cp /root/${name}.ko /tmp/opened.ko`);
      const [loaded, undone] = await values([
        { do: "load", name, file: "/tmp/opened.ko", swappedFor: "/root/other_kernel.ko" },
        undo(name),
      ]);
      expect(loaded).toBeNull();
      expect(undone).toMatchObject({ outcome: "undone" });
      expect(await guest.mustExec("cmp /tmp/opened.ko /root/other_kernel.ko && echo swapped")).toBe(
        "swapped\n",
      );
    });

    test("is applied once; what a killed run left is loaded again", async () => {
      const name = "rebootless_demo_cmdline";
      const [applied, again, raw, listed] = await values([
        apply(name),
        apply(name),
        load(name),
        { do: "loaded" },
      ]);
      expect(applied).toMatchObject({ outcome: "applied", pending: [], replaced: [] });
      expect(again).toMatchObject({ cause: "already_loaded", restored: true });
      expect(raw).toMatchObject({ cause: "already_loaded", restored: true });
      expect(listed).toMatchObject([
        {
          name,
          state: "applied",
          functions: ["vmlinux/cmdline_proc_show,1"],
          objects: [{ name: "vmlinux", patched: true }],
        },
      ]);
      await guest.mustExec(`echo 0 >/sys/kernel/livepatch/${name}/enabled`);
      await guest.mustExec(`while [ -e /sys/kernel/livepatch/${name} ]; do usleep 100000; done`);
      const [anew, undone, twice] = await values([apply(name), undo(name), undo(name)]);
      expect(anew).toMatchObject({ outcome: "applied" });
      expect([undone, twice]).toMatchObject([{ outcome: "undone" }, { outcome: "undone" }]);
      expect(await guest.mustExec("ls /sys/module")).not.toContain(name);
    });

    test("a module that was written without a compiler is a module like others", async () => {
      const before = await guest.mustExec("cat /proc/version");
      const change: ChangeOfFiles = {
        ...changeOf("rebootless_demo_version"),
        modules: [
          {
            name: objectName("rebootless_written"),
            file: "/root/rebootless_written.ko",
            role: "patch",
            target: null,
          },
        ],
      };
      const [applied] = await values([{ do: "apply", change }]);
      expect(applied).toMatchObject({ outcome: "applied" });
      expect(await guest.mustExec("cat /proc/version")).toBe(WRITTEN_LINE);
      const [undone] = await values([{ do: "undo", change }]);
      expect(undone).toMatchObject({ outcome: "undone" });
      expect(await guest.mustExec("cat /proc/version")).toBe(before);
    });

    test("an atomic replace is refused over a state that it does not know, else it tells what it replaced", async () => {
      await guest.mustExec("insmod /root/rebootless_target_a.ko && insmod /root/rebootless_target_b.ko");
      const replaces = [objectName("rebootless_patch_base")];
      const [, refused, , , , replaced, listed] = await values([
        apply("rebootless_patch_state"),
        apply("rebootless_patch_all"),
        undo("rebootless_patch_state"),
        apply("rebootless_patch_base"),
        apply("rebootless_demo_version"),
        apply("rebootless_patch_all", { replaces }),
        { do: "loaded" },
      ]);
      expect(refused).toMatchObject({ cause: "incompatible_state", restored: true });
      expect(replaced).toMatchObject({
        outcome: "applied",
        replaced: expect.arrayContaining(["rebootless_demo_version", "rebootless_patch_base"]),
      });
      expect(listed).toMatchObject([{ name: "rebootless_patch_all", state: "applied" }]);
      const modules = (await guest.mustExec("ls /sys/module")).split("\n");
      expect(modules).not.toContain("rebootless_patch_base");
      expect(modules).toContain("rebootless_demo_version");
      const [undone, anew, out] = await values([
        undo("rebootless_patch_all"),
        apply("rebootless_demo_version"),
        undo("rebootless_demo_version"),
      ]);
      expect([undone, anew, out]).toMatchObject([
        { outcome: "undone" },
        { outcome: "applied" },
        { outcome: "undone" },
      ]);
    });

    test("a target that is not loaded refuses it, or is pending and patched when it loads", async () => {
      const change = changeOf("rebootless_patch_hold");
      const [refused, applied] = await values([
        { do: "apply", change },
        { do: "apply", change, partial: true },
      ]);
      expect(refused).toMatchObject({ cause: "target_not_loaded", restored: true });
      expect(applied).toMatchObject({ outcome: "applied", pending: ["rebootless_target_hold"] });
      await guest.mustExec("insmod /root/rebootless_target_hold.ko");
      expect(await guest.mustExec(["cat", HOLD])).toBe("hold: patched\n");
      const [listed, undone] = await values([{ do: "loaded" }, { do: "undo", change }]);
      expect(listed).toMatchObject([{ objects: [{ name: "rebootless_target_hold", patched: true }] }]);
      expect(undone).toMatchObject({ outcome: "undone" });
    });

    test("a blocked transition is reported with its task and reversed in time", async () => {
      const reader = await sitDown();
      const sitting = [
        {
          pid: reader,
          name: "cat",
          stack: expect.arrayContaining([expect.stringMatching(/^target_hold_show\+0x/)]),
        },
      ];
      const options = { deadlineMs: 15_000, reportAfterMs: 2_000 };
      const [answer] = await take([apply("rebootless_patch_hold")], options);
      expect(answer?.value).toMatchObject({
        cause: "code_busy",
        detail: expect.stringContaining("and was reversed"),
        blockedBy: sitting,
        restored: true,
      });
      const told = answer?.progress.filter(({ blockedBy }) => blockedBy.length > 0);
      expect(told?.[0]).toMatchObject({ doing: "applying", blockedBy: sitting, deadlineSeconds: 15 });
      expect(told?.[0]?.seconds).toBeLessThan(10);
      expect(await patches()).toBe("");
      expect(await guest.mustExec("ls /sys/module")).not.toContain("rebootless_patch_hold");

      // Its transition goes on while another patch wants to go in.
      await guest.mustExec("insmod /root/rebootless_patch_hold.ko");
      const [waited, raw] = await take([apply("rebootless_demo_version"), load("rebootless_demo_version")], {
        deadlineMs: 4_000,
        reportAfterMs: 2_000,
      });
      expect(waited?.value).toMatchObject({
        cause: "busy_transition",
        detail: expect.stringContaining("rebootless_patch_hold"),
        restored: true,
      });
      expect(waited?.progress.at(-1)).toMatchObject({ doing: "waiting for another patch" });
      expect(waited?.progress.some(({ blockedBy }) => blockedBy.some(({ pid }) => pid === reader))).toBe(
        true,
      );
      expect(raw?.value).toMatchObject({ cause: "busy_transition", restored: true });

      // The reader leaves, and everything goes its way.
      const [, applied, out, hold] = await values([
        write(RELEASED, "1"),
        apply("rebootless_demo_version"),
        undo("rebootless_demo_version"),
        undo("rebootless_patch_hold"),
      ]);
      expect([applied, out, hold]).toMatchObject([
        { outcome: "applied" },
        { outcome: "undone" },
        { outcome: "undone" },
      ]);
    });

    test("an undo that is blocked is turned: the patch stays in force", async () => {
      const [applied] = await values([apply("rebootless_patch_stay")]);
      expect(applied).toMatchObject({ outcome: "applied" });
      const reader = await sitDown();
      const [stalled, listed, , undone] = await values(
        [
          undo("rebootless_patch_stay"),
          { do: "loaded" },
          write("/sys/module/rebootless_patch_stay/parameters/let_go", "1"),
          undo("rebootless_patch_stay"),
        ],
        { deadlineMs: 15_000 },
      );
      expect(stalled).toMatchObject({
        cause: "code_busy",
        detail: expect.stringContaining("stays in force"),
        blockedBy: [{ pid: reader, name: "cat" }],
        restored: true,
      });
      expect(listed).toMatchObject([{ name: "rebootless_patch_stay", state: "applied" }]);
      expect(undone).toMatchObject({ outcome: "undone" });
      // Let go, and gone.
      await guest.mustExec(`while [ -e /proc/${reader} ]; do usleep 50000; done`);
    });

    test("a kernel that is locked step by step says each time what keeps the module out", async () => {
      const name = "rebootless_demo_version";
      await guest.mustExec("mount -t securityfs securityfs /sys/kernel/security");
      const steps: readonly (readonly [string, string, string])[] = [
        ["lockdown", "/sys/kernel/security/lockdown", "integrity"],
        ["signature_required", "/sys/module/module/parameters/sig_enforce", "1"],
        ["modules_disabled", "/proc/sys/kernel/modules_disabled", "1"],
      ];
      const outcomes = await values(
        steps.flatMap(([, path, text]) => [write(path, text), load(name), apply(name)]),
      );
      for (const [index, [cause]] of steps.entries()) {
        const [, raw, applied] = outcomes.slice(3 * index);
        expect(raw).toMatchObject({ cause, restored: true });
        expect(applied).toMatchObject({ outcome: "aborted", cause, restored: true });
      }
    });
  },
);
