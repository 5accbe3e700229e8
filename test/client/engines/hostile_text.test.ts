import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseModuleName } from "../../../client/engines/ksplice/names.ts";
import { errnoOf, refusalCause } from "../../../client/engines/load_refusal.ts";
import { tasksInConflict } from "../../../client/engines/tasks.ts";
import { FakeSystem } from "../../support/fake_system.ts";

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const system = new FakeSystem();

/** What a task may call itself: 15 bytes, a line's end excepted, which would end the kernel's line too. */
const comm = fc.stringMatching(/^[!-~][ -~]{0,13}[!-~]$/).filter((text) => text.trim() === text);
const symbol = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,20}$/);

describe("text that others write", () => {
  it("conflicts gives back every task, whatever it calls itself", async () => {
    const line = fc.record({
      name: comm,
      pid: fc.integer({ min: 1, max: 4194304 }),
      labels: fc.array(symbol, { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 32 }), async (lines) => {
        const text = lines.map(({ name, pid, labels }) => [name, pid, ...labels].join(" ")).join("\n");
        expect(await tasksInConflict(system, text)).toEqual(
          lines.map(({ name, pid, labels }) => ({ pid, name, stack: labels })),
        );
      }),
    );
  });

  it("conflicts of any content gives tasks that are fit to print, and not too many", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4096 }),
      fc.stringMatching(/^([ -~\n]|a 1 f\n)*$/),
    );
    await fc.assert(
      fc.asyncProperty(text, async (conflicts) => {
        const tasks = await tasksInConflict(system, conflicts);
        expect(tasks.length).toBeLessThanOrEqual(32);
        for (const { name, stack } of tasks)
          for (const word of [name, ...stack]) expect(word).not.toMatch(UNPRINTABLE);
      }),
    );
  });

  it("a load's words and log of any content have a cause", () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((text) => `livepatch: ${text}`),
      fc.string().map((text) => `livepatch_fix: ${text}`),
    );
    const circumstances = { ftrace: true, modulesDisabled: false, lockdown: false };
    fc.assert(
      fc.property(fc.string(), fc.array(line), (words, log) => {
        const { cause, said } = refusalCause("livepatch_fix", errnoOf(words), log, circumstances);
        expect(cause).toMatch(/^[a-z_]+$/);
        if (said !== undefined) expect(log).toContain(said);
      }),
    );
  });

  it("a module's name is Ksplice's whole or not at all", () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^ksplice_[a-z0-9_]{0,30}$/), (any, near) => {
        for (const name of [any, near]) {
          const parsed = parseModuleName(name);
          if (!parsed) continue;
          const { kid, role, target } = parsed;
          expect(role === "core" ? `ksplice_${kid}` : `ksplice_${kid}_${target}_${role}`).toBe(name);
        }
      }),
    );
  });
});
