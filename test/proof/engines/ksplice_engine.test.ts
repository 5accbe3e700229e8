import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { objectName, updateId } from "../../../shared/brand.ts";
import type { ChangeOfFiles, Step } from "../../support/guest/engine_driver.ts";
import { engineDriver, takeSteps } from "../../support/guest/engine_run.ts";
import { bootGuest, type Guest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { buildModule } from "../../support/guest/modules/build.ts";
import {
  buildKsplice,
  KSPLICE_SERVER,
  type KspliceUpdate,
  kspliceParts,
} from "../../support/guest/modules/ksplice.ts";

const vmlinux = objectName("vmlinux");
const TARGET = "rebootless_target_a";
const target = objectName(TARGET);

const changeOf = (update: KspliceUpdate): ChangeOfFiles => ({
  id: updateId(update.kid),
  modules: kspliceParts(update).map((part) => ({ ...part, file: `/root/${part.name}.ko` })),
  objects: update.targets,
  replaces: [],
});

/** All but those that have a test of their own, and `module_busy`, which is tried again like `code_busy`. */
const CAUSES = [
  "no_match",
  "bad_system_map",
  "out_of_memory",
  "failed_to_find",
  "already_reversed",
  "missing_export",
  "unexpected_running_task",
  "call_failed",
  "cold_update_loaded",
  "unexpected",
  "unknown",
] as const;

const PARAMETERS = `/sys/module/${KSPLICE_SERVER}/parameters`;
const set = (name: string, text: string | number): Step => ({
  do: "write",
  path: `${PARAMETERS}/${name}`,
  text: String(text),
});
/** The next requests abort. */
const abort = (cause: string, times = 1): readonly Step[] => [set("abort_with", cause), set("aborts", times)];

/** Our module serves the interface, our modules are what an update brings; the kernel's module loader and sysfs are real. */
describe.each(["primary", "secondary"] as const)(
  "the ksplice engine on the %s kernel",
  { timeout: 300_000 },
  (role) => {
    const kernel = findKernel(role);
    const inKernel: KspliceUpdate = { kid: "inkernel", targets: [vmlinux, target], core: false };
    const alone: KspliceUpdate = { kid: "al0ne123", targets: [vmlinux, target], core: true };
    let guest: Guest;

    beforeAll(async () => {
      const folder = await buildKsplice(kernel, [inKernel, alone]);
      const names = [KSPLICE_SERVER, ...[inKernel, alone].flatMap(kspliceParts).map(({ name }) => name)];
      const files = [
        await engineDriver(),
        { path: `/root/${target}.ko`, content: { from: await buildModule(kernel, TARGET) } },
        ...names.map((name) => ({ path: `/root/${name}.ko`, content: { from: join(folder, `${name}.ko`) } })),
      ];
      guest = await bootGuest({ kernel, files });
      await guest.mustExec("mount -t debugfs debugfs /sys/kernel/debug");
      await guest.mustExec(`insmod /root/${KSPLICE_SERVER}.ko integrated=1 && insmod /root/${target}.ko`);
    }, 400_000);
    afterAll(async () => guest?.close());

    const take = (steps: readonly Step[], debug = 0) => takeSteps(guest, { engine: "ksplice", debug }, steps);
    const values = async (steps: readonly Step[], debug = 0) =>
      (await take(steps, debug)).map(({ value }) => value).filter((value) => value !== null);
    const modules = async () =>
      (await guest.mustExec("ls /sys/module")).split("\n").filter((name) => name.startsWith("ksplice_"));

    test("an update without a core needs Ksplice in the kernel, one with a core does not", async () => {
      await guest.mustExec(`rmmod ${KSPLICE_SERVER} && insmod /root/${KSPLICE_SERVER}.ko`);
      const [unsupported, none, applied, listed, undone] = await values([
        { do: "apply", change: changeOf(inKernel) },
        { do: "loaded" },
        { do: "apply", change: changeOf(alone) },
        { do: "loaded" },
        { do: "undo", change: changeOf(alone) },
      ]);
      expect(unsupported).toMatchObject({ threw: expect.stringContaining("/sys/kernel/ksplice") });
      expect(none).toEqual([]);
      expect(applied).toMatchObject({ outcome: "applied", pending: [] });
      expect(listed).toMatchObject([{ name: "ksplice_al0ne123", engine: "ksplice", state: "applied" }]);
      expect(undone).toMatchObject({ outcome: "undone" });
      expect(await modules()).toEqual([]);
      await guest.mustExec(`rmmod ${KSPLICE_SERVER} && insmod /root/${KSPLICE_SERVER}.ko integrated=1`);
    });

    describe.each([inKernel, alone])("$kid", (update) => {
      const change = changeOf(update);
      const kept = kspliceParts(update).filter(({ role: part }) => part !== "old");
      const folder = update.core
        ? `/sys/module/ksplice_${update.kid}/ksplice`
        : `/sys/kernel/ksplice/${update.kid}`;
      const gone = async () => {
        expect(await modules()).toEqual([]);
        expect(await guest.exec(`ls ${folder}`)).not.toMatchObject({ code: 0 });
      };

      test("is applied and undone, and leaves nothing", async () => {
        const [applied, stage, partial, again] = await values([
          { do: "apply", change },
          { do: "read", path: `${folder}/stage` },
          { do: "read", path: `${folder}/partial` },
          { do: "apply", change },
        ]);
        expect(applied).toMatchObject({ outcome: "applied", pending: [] });
        expect([stage, partial]).toEqual(["applied", "0"]);
        expect(again).toMatchObject({ outcome: "aborted", cause: "already_loaded", restored: true });
        expect((await modules()).sort()).toEqual(kept.map(({ name }) => name).sort());
        // The kernel holds on to what is in force.
        expect(await guest.exec(["rmmod", `ksplice_${update.kid}_vmlinux_new`])).not.toMatchObject({
          code: 0,
        });

        const [listed, undone, after] = await values([
          { do: "loaded" },
          { do: "undo", change },
          { do: "undo", change },
        ]);
        expect(listed).toMatchObject([
          {
            name: `ksplice_${update.kid}`,
            state: "applied",
            objects: [
              { name: target, patched: null },
              { name: "vmlinux", patched: null },
            ],
          },
        ]);
        expect([undone, after]).toMatchObject([{ outcome: "undone" }, { outcome: "undone" }]);
        await gone();
      });

      test("abort causes come through, and everything is as before", async () => {
        const causes = update.core ? CAUSES.slice(0, 2) : CAUSES;
        const outcomes = await values(causes.flatMap((cause) => [...abort(cause), { do: "apply", change }]));
        expect(outcomes).toMatchObject(
          causes.map((cause) => ({ outcome: "aborted", cause, blockedBy: [], restored: true })),
        );
        await gone();
      });

      test("a busy function is tried again, then given up with its tasks", async () => {
        // A task's name is its own choice.
        const waits = `printf 'my task 7' >/proc/$$/comm; read line <>/tmp/${update.kid}`;
        const started = `mkfifo /tmp/${update.kid}; sh -c "$WAITS" >/dev/null 2>&1 & echo $!`;
        const waiter = Number(await guest.mustExec(started, { env: { WAITS: waits } }));
        const conflict = set("conflicting", `my task 7 ${waiter} do_sys_poll sys_poll\n`);
        const busy = await take([
          conflict,
          ...abort("code_busy", 2),
          { do: "apply", change },
          { do: "undo", change },
          ...abort("code_busy", 9),
          { do: "apply", change },
        ]);
        const [applied, undone, givenUp] = [busy[3], busy[4], busy[7]];
        const blockedBy = [
          {
            pid: waiter,
            name: "my task 7",
            stack: expect.arrayContaining([expect.stringMatching(/_poll\+0x/)]),
          },
        ];
        expect(applied?.value).toMatchObject({ outcome: "applied" });
        expect(applied?.progress).toMatchObject([{ blockedBy }, { blockedBy }]);
        expect(undone?.value).toMatchObject({ outcome: "undone" });
        expect(givenUp?.value).toMatchObject({
          outcome: "aborted",
          cause: "code_busy",
          blockedBy,
          restored: true,
        });
        expect((await guest.mustExec(["cat", `${PARAMETERS}/aborts`])).trim()).toBe("6");
        await gone();
      });

      test("what the kernel tried for long is not tried again; an undo that is busy leaves it in force", async () => {
        const [slow, applied, kept, stage, undone] = await values([
          set("try_ms", 5_200),
          ...abort("code_busy", 2),
          { do: "apply", change },
          set("try_ms", 0),
          set("aborts", 0),
          { do: "apply", change },
          ...abort("code_busy", 3),
          { do: "undo", change },
          { do: "read", path: `${folder}/stage` },
          { do: "undo", change },
        ]);
        expect(slow).toMatchObject({ cause: "code_busy", restored: true });
        expect(applied).toMatchObject({ outcome: "applied" });
        expect(kept).toMatchObject({ cause: "code_busy", restored: true });
        expect(stage).toBe("applied");
        expect(undone).toMatchObject({ outcome: "undone" });
        await gone();
      });

      test("a target that is not loaded aborts it, unless it may be partial", async () => {
        await guest.mustExec(["rmmod", target]);
        const [refused, applied, partial, listed, undone] = await values([
          { do: "apply", change },
          { do: "apply", change, partial: true },
          { do: "read", path: `${folder}/partial` },
          { do: "loaded" },
          { do: "undo", change },
        ]);
        expect(refused).toMatchObject({
          cause: "target_not_loaded",
          detail: expect.stringContaining(target),
        });
        expect(applied).toMatchObject({ outcome: "applied", pending: [target] });
        expect(partial).toBe("1");
        expect(listed).toMatchObject([{ objects: [{ name: target, patched: false }, {}] }]);
        expect(undone).toMatchObject({ outcome: "undone" });
        await guest.mustExec(`insmod /root/${target}.ko`);
        await gone();
      });

      test("an update that talks is quoted", async () => {
        const [outcome] = await values([...abort("no_match"), { do: "apply", change }], 1);
        expect(outcome).toMatchObject({
          cause: "no_match",
          detail: expect.stringContaining("(stopped by no_match)"),
        });
        await gone();
      });

      test("what a killed run left is taken out first", async () => {
        const parts = kspliceParts(update).map(({ name }) => `insmod /root/${name}.ko`);
        await guest.mustExec(parts.join(" && "));
        const [preparing, reversed] = await values([
          { do: "apply", change },
          { do: "write", path: `${folder}/stage`, text: "reversed" },
          { do: "apply", change },
        ]);
        expect(preparing).toMatchObject({ outcome: "applied" });
        expect(reversed).toMatchObject({ outcome: "applied" });
        await guest.mustExec(`echo reversed >${folder}/stage`);
        expect(await values([{ do: "undo", change }])).toMatchObject([{ outcome: "undone" }]);
        await gone();
      });
    });
  },
);
