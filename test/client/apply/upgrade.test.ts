import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Result } from "../../../client/apply/result.ts";
import { upgradeKernel } from "../../../client/apply/upgrade.ts";
import type { Wish } from "../../../client/apply/upgrade_parts.ts";
import type {
  ApplyOptions,
  ApplyOutcome,
  Engine,
  EngineChange,
  LoadedPatch,
} from "../../../client/engines/engine.ts";
import type { InstalledModule } from "../../../client/host/module_files.ts";
import { type TrustDir, trustDir } from "../../../client/trust/trust_dir.ts";
import { buildId, type ObjectName, objectName } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { artifactPath } from "../../../shared/feed/paths.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { FakeSystem } from "../../support/fake_system.ts";
import { flipBit } from "../../support/hostile_mirror.ts";
import { MemoryFeed } from "../../support/memory_feed.ts";
import { MemoryFile, memoryJournal } from "../journal/memory_file.ts";
import { boot } from "../journal/sample.ts";
import { FakeMemory, type FunctionName, landmarks, moduleOf, updateOf } from "./kernel.ts";

const ID = buildId("0123456789abcdef0123456789abcdef01234567");

/** What only newer kernels tell. */
const UNTOLD = { replaces: null, order: null } as const;
const ABORTED = { outcome: "aborted", detail: "it was not to be", blockedBy: [], restored: true } as const;

/** Loads what it is given, unless told otherwise of a name. */
class FakeEngine implements Engine {
  readonly name = "livepatch";
  readonly patches: LoadedPatch[] = [];
  known: readonly Update[] = [];
  readonly outcomes = new Map<string, ApplyOutcome | Error>();
  /** Names and the bytes of the files, in order. */
  readonly applied: (readonly [ObjectName, Buffer])[] = [];

  loaded = async (): Promise<readonly LoadedPatch[]> => this.patches;
  undo = (): never => {
    throw new Error("an upgrade undoes nothing");
  };

  preflight = async (): Promise<undefined> => undefined;

  onApply: (change: EngineChange) => void = () => undefined;
  matchesAgain = false;

  async apply(change: EngineChange, { matchAgain }: ApplyOptions): Promise<ApplyOutcome> {
    const [module, ...more] = change.modules;
    this.onApply(change);
    const refused = this.matchesAgain ? await matchAgain() : undefined;
    if (refused) return { outcome: "aborted", ...refused };
    if (module?.role !== "patch" || more.length > 0) throw new Error("a livepatch update has one module");
    this.applied.push([module.name, await readFile(module.file.path)]);
    const applied = { outcome: "applied", milliseconds: 7, pending: [], replaced: [] } as const;
    const outcome = this.outcomes.get(module.name) ?? applied;
    if (outcome instanceof Error) throw outcome;
    const update = this.known.find((one) => one.module.name === module.name);
    if (update && outcome.outcome === "applied") inForce(update);
    return outcome;
  }
}

const patchOf = (update: Update): LoadedPatch => ({
  name: update.module.name,
  engine: "livepatch",
  state: "applied",
  functions: update.objects.flatMap((o) => o.functions.map((fn) => `${o.name}/${fn.name},1`)),
  objects: update.objects.map(({ name }) => ({ name, patched: true })),
  replaces: null,
  order: null,
});

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-upgrade-"));
});
afterAll(() => rm(work, { recursive: true }));

let engine: FakeEngine;
let memory: FakeMemory;
let feed: MemoryFeed;
let directory: TrustDir;
let said: string[];
let system: FakeSystem;
let file: MemoryFile;
let files: Map<string, InstalledModule>;
beforeEach(async () => {
  system = new FakeSystem();
  file = new MemoryFile();
  files = new Map();
  engine = new FakeEngine();
  memory = new FakeMemory();
  feed = new MemoryFeed();
  directory = trustDir(await mkdtemp(join(work, "state-")), ID, new Uint8Array());
  said = [];
  stop = new AbortController();
});

let stop: AbortController;
let begun = 0;
const begin = async (): Promise<void> => {
  begun++;
};

async function run(
  updates: readonly Update[],
  wish: Partial<Wish> | boolean = {},
): Promise<readonly Result[]> {
  for (const { id, module } of updates) feed.files.set(artifactPath(module.sha256), moduleOf(id));
  engine.known = updates;
  const results: Result[] = [];
  await upgradeKernel({
    kernel: {
      engines: { for: () => engine, loaded: engine.loaded },
      system,
      memory: () => memory,
      modules: () => ({ names: () => [], find: () => undefined }),
      moduleFile: async (name) => files.get(name),
    },
    offer: { updates, landmarks, feed, directory },
    wish: {
      asked: undefined,
      withheld: new Map(),
      replaceOthers: false,
      recall: "hold",
      partial: false,
      dryRun: false,
      ...(typeof wish === "boolean" ? { dryRun: wish } : wish),
    },
    run: {
      journal: memoryJournal(file, boot(1)),
      report: async (result) => void results.push(result),
      progress: (line) => said.push(line),
      stop: stop.signal,
      begin,
    },
  });
  return results;
}

const records = async () => (await memoryJournal(file, boot(1)).read()).records;

const summary = (results: readonly Result[]) =>
  results.map((result) => [result.id, result.result === "failed" ? result.error.code : result.result]);

const names = () => engine.applied.map(([name]) => name);

function inForce(update: Update, state: LoadedPatch["state"] = "applied"): void {
  engine.patches.push({ ...patchOf(update), state });
  for (const { functions } of update.objects)
    for (const fn of functions) memory.attach(fn.name as FunctionName);
}

/** b stands on a, c on b, d on nothing. */
const a = updateOf("a", ["first"]);
const b = updateOf("b", ["second"], { depends: ["a"] });
const c = updateOf("c", ["third"], { depends: ["b"] });
const d = updateOf("d", ["fourth"]);

describe("an upgrade that is asked to end", () => {
  const left = (id: string) => [id, "left_out"];

  it("finishes the update at hand and begins no more, and says which", async () => {
    engine.onApply = ({ id }) => {
      if (id === a.id) stop.abort("SIGTERM");
    };
    const results = await run([a, b, d]);
    expect(summary(results)).toEqual([["a", "applied"], left("b"), left("d")]);
    expect(results[2]).toMatchObject({ why: { reason: "stopped" } });
    expect(names()).toEqual([a.module.name]);
  });

  it("loads nothing that was only fetched and matched by then", async () => {
    memory.beforeReading = () => stop.abort("SIGTERM");
    expect(summary(await run([a]))).toEqual([left("a")]);
    expect(names()).toEqual([]);
    expect(await records()).toEqual([]);
  });

  it("has its download broken off, which is no fault of the feed", async () => {
    feed.get = async () => {
      stop.abort("SIGTERM");
      throw new RebootlessError("unreachable", "broken off");
    };
    expect(summary(await run([a]))).toEqual([left("a")]);
  });

  it("writes down what an update came to that was taken back", async () => {
    engine.onApply = () => stop.abort("SIGTERM");
    engine.outcomes.set(a.module.name, { ...ABORTED, cause: "stopped" });
    expect(summary(await run([a, d]))).toEqual([["a", "stopped"], left("d")]);
    expect(await records()).toMatchObject([
      { kind: "intent", id: "a" },
      { kind: "outcome", id: "a", done: false, cause: "stopped" },
    ]);
  });
});

describe("an upgrade", () => {
  it("is refused by run-pre where memory changed while the engine waited", async () => {
    engine.onApply = () => memory.flip("first", 20);
    engine.matchesAgain = true;
    const results = await run([a]);
    expect(summary(results)).toEqual([["a", "runpre"]]);
    expect(await records()).toMatchObject([{ kind: "intent" }, { done: false, cause: "no_match" }]);
  });

  it("verifies the whole chain once before it loads anything, and not when there is nothing to load", async () => {
    begun = 0;
    await run([]);
    expect(begun).toBe(0);
    await run([a]);
    expect(begun).toBe(1);
  });

  it("applies what is missing, dependencies first, with files that were just verified", async () => {
    const results = await run([c, d, b, a]);
    expect(summary(results)).toEqual(["a", "b", "c", "d"].map((id) => [id, "applied"]));
    expect(engine.applied).toEqual(
      ["a", "b", "c", "d"].map((id) => [`livepatch_${id}`, Buffer.from(moduleOf(id))]),
    );
    expect(results[0]).toEqual({ id: "a", result: "applied", milliseconds: 7, pending: [], replaced: [] });
  });

  it("leaves alone what is applied", async () => {
    inForce(a);
    memory.attach("first");
    expect(summary(await run([a, b]))).toEqual([["b", "applied"]]);
    inForce(b);
    expect(await run([a, b])).toEqual([]);
  });

  it("says what it does", async () => {
    await run([a]);
    expect(said).toEqual([
      `a: module of ${a.module.length} bytes verified`,
      "a: 1 function, 96 bytes, match the running kernel",
    ]);
  });

  it("loads nothing in a dry run, and does everything else", async () => {
    expect(summary(await run([a, b], true))).toEqual([
      ["a", "would_apply"],
      ["b", "would_apply"],
    ]);
    expect(engine.applied).toEqual([]);
    expect(feed.traffic.requests).toBe(2);
    memory.flip("second", 30);
    expect(summary(await run([a, b], true))).toEqual([
      ["a", "would_apply"],
      ["b", "runpre"],
    ]);
  });

  it("loads nothing of an update that does not match, and goes on with the others", async () => {
    memory.flip("first", 50);
    expect(summary(await run([a, b, c, d]))).toEqual([
      ["a", "runpre"],
      ["d", "applied"],
      ["b", "left_out"],
      ["c", "left_out"],
    ]);
    expect(names()).toEqual(["livepatch_d"]);
  });

  it("says of each dependent what it lacks", async () => {
    engine.outcomes.set("livepatch_a", {
      ...ABORTED,
      cause: "signature_required",
      detail: "Key was rejected by service",
    });
    const results = await run([a, b, c]);
    expect(results).toMatchObject([
      { id: "a", result: "failed", error: { code: "apply" } },
      { id: "b", result: "left_out", why: { reason: "missing", needs: "a" } },
      { id: "c", result: "left_out", why: { reason: "missing", needs: "b" } },
    ]);
    const [first] = results;
    expect(first?.result === "failed" && first.error.message).toContain("Key was rejected by service");
  });

  it("reports a stalled transition with its tasks, and whether it was reversed", async () => {
    const blockedBy = [{ pid: 81, name: "java", stack: [] }];
    for (const [restored, hint] of [
      [true, "as it was before"],
      [false, "could NOT be brought back"],
    ] as const) {
      engine.outcomes.set("livepatch_a", { ...ABORTED, cause: "code_busy", blockedBy, restored });
      const [result] = await run([a]);
      expect(result).toMatchObject({
        error: {
          code: "apply",
          message: expect.stringContaining("java[81]"),
          details: { cause: "code_busy", restored },
        },
      });
      expect(result?.result === "failed" && result.error.hint).toContain(hint);
    }
  });

  it("takes the call at a function that an applied update replaces for what it is", async () => {
    inForce(a);
    memory.attach("first");
    const stacked = updateOf("stacked", ["first", "second"], { depends: ["a"] });
    expect(summary(await run([a, stacked]))).toEqual([["stacked", "applied"]]);
  });

  it("applies two updates of one function in one run", async () => {
    const stacked = updateOf("stacked", ["first"], { depends: ["a"] });
    const apply = engine.apply.bind(engine);
    engine.apply = async (...args) => {
      memory.attach("first");
      if (engine.patches.length === 0) inForce(a);
      return apply(...args);
    };
    expect(summary(await run([a, stacked]))).toEqual([
      ["a", "applied"],
      ["stacked", "applied"],
    ]);
  });

  it("refuses a function to which something else is attached", async () => {
    inForce(d);
    memory.attach("first");
    expect(summary(await run([d, a]))).toEqual([["a", "runpre"]]);
    expect(engine.applied).toEqual([]);
  });

  it("does not load a module that is not the one signed for", async () => {
    const running = run([a, d]);
    feed.files.set(artifactPath(a.module.sha256), flipBit(moduleOf("a"), 0));
    expect(summary(await running)).toEqual([
      ["a", "trust"],
      ["d", "applied"],
    ]);
    expect(names()).toEqual(["livepatch_d"]);
  });

  it("leaves out what was recalled, with what depends on it", async () => {
    expect(await run([{ ...a, recalled: "it leaks" }, b])).toMatchObject([
      { id: "a", result: "left_out", why: { reason: "recalled", why: "it leaks" } },
      { id: "b", result: "left_out", why: { reason: "missing", needs: "a" } },
    ]);
    expect(feed.traffic.requests).toBe(0);
  });

  it("leaves out what conflicts with an applied update", async () => {
    inForce(a);
    const foe = updateOf("foe", ["third"], { conflicts: ["a"] });
    expect(await run([a, foe])).toMatchObject([{ id: "foe", why: { reason: "conflict", with: "a" } }]);
  });

  it("touches nothing while an update is in transition", async () => {
    inForce(a, "transition");
    await expect(run([a, d])).rejects.toMatchObject({ code: "apply", message: "a is in transition" });
    expect(feed.traffic.requests + memory.readings + engine.applied.length).toBe(0);
  });

  it("touches nothing while an impostor is loaded", async () => {
    engine.patches.push({
      name: objectName("livepatch_a"),
      engine: "livepatch",
      state: "applied",
      functions: ["vmlinux/commit_creds,1"],
      objects: [],
      ...UNTOLD,
    });
    await expect(run([a, d])).rejects.toMatchObject({ code: "trust" });
    expect(feed.traffic.requests + memory.readings + engine.applied.length).toBe(0);
  });

  it.each([new RebootlessError("not_permitted", "lockdown"), new TypeError("a fault of ours")])(
    "does not take $message for an outcome of an update",
    async (error) => {
      engine.outcomes.set("livepatch_a", error);
      await expect(run([a, d])).rejects.toBe(error);
      expect(names()).toEqual(["livepatch_a"]);
    },
  );

  it.each<[string, readonly FunctionName[]]>([
    ["a match", []],
    ["a mismatch", ["first"]],
  ])("closes memory after %s", async (_, flipped) => {
    for (const name of flipped) memory.flip(name, 9);
    await run([a]);
    expect(memory.closed).toBe(1);
  });
});
