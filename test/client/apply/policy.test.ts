import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Result } from "../../../client/apply/result.ts";
import { updateId } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { cheapDirectory } from "./cheap_directory.ts";
import { updateOf } from "./kernel.ts";
import { KillableHost } from "./killable_host.ts";

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-policy-"));
});
afterAll(() => rm(work, { recursive: true }));

const a = updateOf("a", ["first"]);
const b = updateOf("b", ["second"], { depends: ["a"] });
const c = updateOf("c", ["third"]);
const all = [a, b, c];
const set = (...ids: readonly string[]) => new Set(ids.map(updateId));
const modules = (...updates: readonly Update[]) => updates.map(({ module }) => module.name as string);
const told = (results: readonly Result[]) => results.map(({ id, result }) => `${id} ${result}`);

let host: KillableHost;
const hostOf = (...updates: readonly Update[]) => new KillableHost(cheapDirectory(work), updates);
beforeEach(() => {
  host = hostOf(...all);
});

describe("an applied update that is recalled", () => {
  const recalled = [{ ...a, recalled: "it leaks" }, b, c];

  it("is kept and told of at every run, unless the policy is to undo it", async () => {
    await host.upgrade();
    host.updates = recalled;
    for (let run = 0; run < 2; run++) {
      expect(await host.upgrade()).toEqual([{ id: "a", result: "kept", why: "it leaks" }]);
    }
    expect(host.inForce()).toEqual(modules(a, b, c));
  });

  it("is undone with what depends on it where that is the policy, and stays out", async () => {
    await host.upgrade();
    host.updates = recalled;
    const results = await host.upgrade({ recall: "undo" });
    expect(told(results)).toEqual(["b undone", "a undone", "a left_out", "b left_out"]);
    expect(results[1]).toMatchObject({ why: "it was recalled" });
    expect(host.inForce()).toEqual(modules(c));
    expect([...(await host.ledger()).applied.keys()]).toEqual(["c"]);
  });

  it("would be undone, says a dry run, and is not", async () => {
    await host.upgrade();
    host.updates = recalled;
    expect(told(await host.upgrade({ recall: "undo", dryRun: true }))).toContain("a would_undo");
    expect(host.inForce()).toEqual(modules(a, b, c));
  });

  it("is not applied again after a reboot", async () => {
    await host.upgrade();
    host.updates = recalled;
    host.reboot();
    expect(told(await host.boot())).toEqual(["c applied", "a left_out", "b left_out"]);
  });
});

describe("what is asked for", () => {
  it("is applied with what it depends on, and with nothing else", async () => {
    expect(told(await host.upgrade({ asked: set("b") }))).toEqual(["a applied", "b applied"]);
  });

  it("waits where the policy withholds it", async () => {
    const why = { id: updateId("a"), reason: "held", until: null, detail: "held since yesterday" } as const;
    const withheld = new Map([[a.id, why]]);
    expect(await host.upgrade({ withheld })).toMatchObject([
      { id: "c", result: "applied" },
      { id: "a", why: { reason: "withheld", withheld: why } },
      { id: "b", why: { reason: "missing", needs: "a" } },
    ]);
  });
});

describe("an update that fails", () => {
  it("gives way to the one that it would have superseded", async () => {
    const next = updateOf("next", ["first", "fourth"], { supersedes: ["a"] });
    host = hostOf(a, next);
    host.kernel.loads.push({ code: 1, stderr: "insmod: ERROR: Invalid parameters" });
    expect(told(await host.upgrade())).toEqual(["next failed", "a applied"]);
  });

  it("is written down with its cause, and stands nowhere", async () => {
    host.kernel.loads.push({ code: 1, stderr: "insmod: ERROR: Key was rejected by service" });
    await host.upgrade({ asked: set("c") });
    const { applied, open, suspects } = await host.ledger();
    expect([applied.size, open, suspects.size]).toEqual([0, undefined, 0]);
    expect(Buffer.from(host.disk.bytes).toString()).toContain('"cause":"signature_required"');
  });
});

describe("an atomic replace", () => {
  const r = updateOf("r", ["first", "second"], { replace: true, supersedes: ["a", "b"] });

  it("says in a dry run what it would take out", async () => {
    host = hostOf(...all, r);
    host.updates = all;
    await host.upgrade({ asked: set("b") });
    host.updates = [...all, r];
    const results = await host.upgrade({ dryRun: true, asked: set("r") });
    expect(results).toMatchObject([{ id: "r", result: "would_apply", replaced: modules(a, b) }]);
    expect(host.inForce()).toEqual(modules(a, b));
  });

  it("is left out where it would take out a patch of others, and takes it out when told to", async () => {
    host = hostOf(a, b, r);
    host.loadByHand("kpatch_theirs");
    expect(await host.upgrade({ asked: set("r") })).toMatchObject([
      { id: "r", result: "left_out", why: { reason: "replaces", foreign: ["kpatch_theirs"] } },
    ]);
    const results = await host.upgrade({ asked: set("r"), replaceOthers: true });
    expect(results).toMatchObject([{ id: "r", result: "applied", replaced: ["kpatch_theirs"] }]);
    expect(host.inForce()).toEqual(modules(r));
  });

  it("that takes out what is still wanted has it applied again, and ends there", async () => {
    await host.upgrade();
    const other = updateOf("s", ["fourth"], { replace: true });
    host = Object.assign(hostOf(...all, r, other), { kernel: host.kernel, disk: host.disk });
    const results = await host.upgrade({ replaceOthers: true });
    expect(told(results).filter((line) => line.endsWith("applied"))).toHaveLength(
      new Set(told(results)).size,
    );
    expect(results.length).toBeLessThan(8);
  });
});

describe("a journal that cannot be written", () => {
  const full = new RebootlessError("io", "cannot write the journal", { hint: "The disk is full." });

  it("keeps everything from being applied", async () => {
    host.disk.refusal = full;
    await expect(host.upgrade()).rejects.toBe(full);
    expect([host.inForce(), [...host.kernel.modules]]).toEqual([[], []]);
  });

  it("keeps everything from being undone", async () => {
    await host.upgrade();
    host.disk.refusal = full;
    await expect(host.undoAll()).rejects.toBe(full);
    expect(host.inForce()).toEqual(modules(a, b, c));
  });

  it("for lack of an outcome is settled by the next run", async () => {
    const { write } = host.disk;
    let writes = 0;
    host.disk.write = async (...args) =>
      ++writes === 2 ? Promise.reject(full) : write.apply(host.disk, args);
    await expect(host.upgrade()).rejects.toBe(full);
    expect(host.inForce()).toEqual(modules(a));
    expect(told(await host.upgrade())).toEqual(["a settled", "b applied", "c applied"]);
    expect((await host.ledger()).applied.size).toBe(3);
  });
});

describe("a kernel that differs from the journal", () => {
  it("is right: what is in force and not written down is from then on", async () => {
    host.loadByHand(a.module.name, ["vmlinux/first,1"]);
    await host.upgrade({ asked: set("a") });
    expect([...(await host.ledger()).applied.keys()]).toEqual(["a"]);
    host.reboot();
    expect(told(await host.boot())).toEqual(["a applied"]);
  });

  it("is right: what somebody took out is applied again", async () => {
    await host.upgrade();
    host.kernel.patches.delete(c.module.name);
    expect(told(await host.upgrade())).toEqual(["c applied"]);
  });
});

describe("after a reboot", () => {
  it("what was applied is applied again from the cache, with no feed", async () => {
    await host.upgrade();
    host.reboot();
    host.feed.files.clear();
    expect(told(await host.boot())).toEqual(["a applied", "b applied", "c applied"]);
    expect(await host.boot()).toEqual([]);
  });

  it("one that fails does not keep the others out, and is tried again the time after", async () => {
    await host.upgrade();
    host.reboot();
    host.kernel.loads.push({ code: 1, stderr: "insmod: ERROR: Cannot allocate memory" });
    expect(told(await host.boot())).toEqual(["a failed", "c applied", "b left_out"]);
    host.reboot();
    expect(told(await host.boot())).toEqual(["a applied", "b applied", "c applied"]);
  });

  it("what was undone stays out", async () => {
    await host.upgrade();
    await host.undoAll();
    host.reboot();
    expect(await host.boot()).toEqual([]);
    expect(host.inForce()).toEqual([]);
  });

  it("what the manifest has no more is named and not loaded", async () => {
    await host.upgrade();
    host.reboot();
    host.updates = [a, b];
    expect(told(await host.boot())).toEqual(["c failed", "a applied", "b applied"]);
  });
});

describe("a run that is killed before the kernel heard of it", () => {
  const interrupted = () =>
    Buffer.from(host.disk.bytes)
      .toString()
      .match(/"cause":"interrupted".*"detail":"[^"]*"/g);

  it("has not undone anything, and the journal says so", async () => {
    await host.upgrade();
    host.left = 1; // the intent
    await host.undoAll().catch(() => undefined);
    host.left = Number.POSITIVE_INFINITY;
    expect(await host.upgrade()).toEqual([{ id: "c", result: "settled", applied: true }]);
    expect(interrupted()).toHaveLength(1);
    expect((await host.ledger()).applied.size).toBe(3);
  });

  it("has not applied anything, and the journal says so", async () => {
    host.left = 1;
    await host.upgrade({ asked: set("c") }).catch(() => undefined);
    host.left = Number.POSITIVE_INFINITY;
    expect(await host.upgrade({ asked: set("c") })).toMatchObject([
      { id: "c", result: "settled", applied: false },
      { id: "c", result: "applied" },
    ]);
    expect(interrupted()).toHaveLength(1);
  });
});

describe("an undo", () => {
  it("that one update refuses keeps what that one needs, and nothing else", async () => {
    await host.upgrade();
    host.kernel.outMs = Number.POSITIVE_INFINITY;
    const results = await host.undoAll();
    expect(told(results)).toEqual(["c failed", "b failed", "a left_out"]);
    expect(results[2]).toMatchObject({ why: { reason: "needed", by: "b" } });
    expect(host.inForce()).toEqual(modules(a, b, c));
    expect((await host.ledger()).applied.size).toBe(3);
  });
});
