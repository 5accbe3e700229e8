import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildId, objectName } from "../../../shared/brand.ts";
import { cheapDirectory } from "./cheap_directory.ts";
import { updateOf } from "./kernel.ts";
import { KillableHost } from "./killable_host.ts";

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-partial-"));
});
afterAll(() => rm(work, { recursive: true }));

const RIGHT = buildId("11".repeat(20));
const WRONG = buildId("22".repeat(20));
const path = "/lib/modules/6.12/kernel/kvm.ko";
const made = updateOf("two", ["first"]);
const two = {
  ...made,
  objects: [
    ...made.objects,
    { name: objectName("kvm"), buildId: RIGHT, layout: { bases: [], itsPages: [] }, functions: [] },
  ],
};

let host: KillableHost;
beforeEach(() => {
  host = new KillableHost(cheapDirectory(work), [two]);
  host.moduleFiles.set("kvm", { path, buildId: RIGHT });
});

describe("an update of a module that is not loaded", () => {
  it("is refused as a whole", async () => {
    expect(await host.upgrade()).toMatchObject([
      { result: "failed", error: { code: "apply", details: { cause: "target_not_loaded" } } },
    ]);
    expect([host.inForce(), host.disk.bytes.length]).toEqual([[], 0]);
  });

  it("is applied to the rest with --partial, and that module is pending", async () => {
    expect(await host.upgrade({ partial: true })).toMatchObject([{ result: "applied", pending: ["kvm"] }]);
    expect((await host.ledger()).applied.get(two.id)?.pending).toEqual(["kvm"]);
    expect(await host.upgrade()).toEqual([]);
  });

  it("would be, says a dry run", async () => {
    const results = await host.upgrade({ partial: true, dryRun: true });
    expect(results).toMatchObject([{ result: "would_apply", pending: ["kvm"] }]);
  });

  it("is applied where the module has no file: it cannot come", async () => {
    host.moduleFiles.clear();
    expect(await host.upgrade({ partial: true })).toMatchObject([{ result: "applied", pending: ["kvm"] }]);
  });

  it.each([
    ["another build", WRONG],
    ["no build ID", undefined],
  ])("is refused with --partial too when the file on disk has %s, and names it", async (_, found) => {
    host.moduleFiles.set("kvm", { path, buildId: found });
    expect(await host.upgrade({ partial: true })).toMatchObject([
      { result: "failed", error: { code: "runpre", message: expect.stringContaining(path) } },
    ]);
    expect(host.inForce()).toEqual([]);
  });

  it("is told of when another file takes that one's place later, and stays", async () => {
    await host.upgrade({ partial: true });
    host.moduleFiles.set("kvm", { path, buildId: WRONG });
    expect(await host.upgrade()).toMatchObject([{ result: "failed", error: { code: "runpre" } }]);
    expect(host.inForce()).toEqual([two.module.name]);
  });

  it("is applied at boot as it was before, although little is loaded yet", async () => {
    await host.upgrade({ partial: true });
    host.reboot();
    expect(await host.boot()).toMatchObject([{ result: "applied", pending: ["kvm"] }]);
  });
});

describe("a module that is loaded after its update was applied", () => {
  it("is matched by the next run, once", async () => {
    await host.upgrade({ partial: true });
    host.load("kvm", RIGHT);
    expect(await host.upgrade()).toEqual([{ id: two.id, result: "matched", objects: ["kvm"] }]);
    expect((await host.ledger()).applied.get(two.id)?.pending).toEqual([]);
    expect(await host.upgrade()).toEqual([]);
  });

  it("in another build has the update taken out, which is then refused", async () => {
    await host.upgrade({ partial: true });
    host.load("kvm", WRONG);
    expect(await host.upgrade({ partial: true })).toMatchObject([
      { result: "failed", error: { code: "runpre", details: { cause: "no_match", object: "kvm" } } },
      { result: "undone", why: "kvm is not the code that it was made for" },
    ]);
    expect(host.inForce()).toEqual([]);
    expect((await host.ledger()).applied.size).toBe(0);
    expect(await host.upgrade({ partial: true })).toMatchObject([
      { result: "failed", error: { code: "runpre", details: { object: "kvm" } } },
    ]);
  });

  it("in another build, after it was unloaded, has the update taken out too", async () => {
    host.load("kvm", RIGHT);
    expect(await host.upgrade()).toMatchObject([{ result: "applied", pending: [] }]);
    host.load("kvm", WRONG);
    expect(await host.upgrade({ dryRun: true })).toMatchObject([
      { result: "failed" },
      { result: "would_undo" },
    ]);
    expect(await host.upgrade()).toMatchObject([{ result: "failed" }, { result: "undone" }]);
    expect(host.inForce()).toEqual([]);
  });
});
