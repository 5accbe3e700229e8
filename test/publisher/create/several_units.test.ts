import { describe, expect, it } from "vitest";
import { differentiate } from "../../../publisher/create/difference.ts";
import { writeModule } from "../../../publisher/create/module/write_module.ts";
import type { PatchObject } from "../../../publisher/create/patch_object.ts";
import { reliesOn } from "../../../publisher/create/resolve/dependencies.ts";
import { type JoinOutcome, joinPatches } from "../../../publisher/create/resolve/join_patches.ts";
import { sharedNames } from "../../../publisher/create/resolve/shared_names.ts";
import type { ShippedKernel } from "../../../publisher/create/resolve/shipped_kernel.ts";
import { readLivepatchModule } from "../../../publisher/module/livepatch_module.ts";
import { type ObjectName, objectName, VMLINUX } from "../../../shared/brand.ts";
import { CHECKSUM, compiled, kernelWith, moduleWith } from "./compiled.ts";
import { KERNEL_6_1 } from "./module/hand_made.ts";
import { between, targets } from "./unit_patch.ts";

/** A unit of a kernel object, before and after the patch. */
interface ChangedUnit {
  readonly object: ObjectName;
  readonly before: string;
  readonly after: string;
}

const [vfat, fat] = [objectName("vfat"), objectName("fat")];

/** A kernel with the units, one for each module and any number that are built in. */
async function shipping(units: readonly ChangedUnit[]): Promise<ShippedKernel> {
  const builtIn = units.filter(({ object }) => object === VMLINUX).map(({ before }) => before);
  const kernel = await kernelWith("", ...builtIn);
  const modules = await Promise.all(
    units
      .filter(({ object }) => object !== VMLINUX)
      .map(async ({ object, before }) => moduleWith(before, object)),
  );
  return {
    ...kernel,
    module: (name) => modules.map(({ module }) => module(name)).find((file) => file !== undefined),
  };
}

async function updateOf(units: readonly ChangedUnit[]) {
  const kernel = await shipping(units);
  const pairs = await Promise.all(
    units.map(async ({ object, before, after }, i) => ({
      source: `unit${i}.c`,
      object,
      before: await compiled(before),
      after: await compiled(after),
      sourceBefore: before,
      sourceAfter: after,
    })),
  );
  const shared = sharedNames(pairs);
  const found = pairs.map((pair) => differentiate(pair, kernel, shared.of(pair.object)));
  const parts = found.filter((one) => one.kind === "patch");
  if (parts.length < found.length) throw new Error(JSON.stringify(found));
  return { shared, parts, joined: joinPatches(parts, reliesOn(kernel)) };
}

function patchesOf(joined: JoinOutcome): readonly PatchObject[] {
  if (joined.kind === "refused") throw new Error(JSON.stringify(joined));
  return joined.patches;
}

/** Returns the sections of other parts that code of an object refers to, as "object section". */
function partsOf(patches: readonly PatchObject[], object: ObjectName): readonly string[] {
  const partAt = (target: { object: ObjectName; section: number }): string =>
    `${target.object} ${patches.find((one) => one.object === target.object)?.sections[target.section]?.name}`;
  return patches
    .filter((patch) => patch.object === object)
    .flatMap((patch) => targets(patch, ".text.f").flatMap((one) => (one.kind === "part" ? partAt(one) : [])));
}

const written = (units: readonly PatchObject[]) =>
  readLivepatchModule(
    writeModule({
      name: objectName("rebootless_test"),
      kernel: {
        ...KERNEL_6_1,
        crcs: new Map([...KERNEL_6_1.crcs, ["printk", CHECKSUM], ["__fentry__", CHECKSUM]]),
      },
      units,
      hooks: [],
      replace: false,
    }),
  ).objects;

const user = (object: ObjectName, more = ""): ChangedUnit => ({
  object,
  before: `${more} int f(int n) { return n; }`,
  after: `${more} int fresh(int); int f(int n) { return fresh(n) + 1; }`,
});
const giver = (object: ObjectName, fresh: string, more = ""): ChangedUnit => ({
  object,
  before: `${more} int k(int n) { return n; }`,
  after: `${more} int k(int n) { return n; } ${fresh}`,
});
const FRESH = 'int fresh(int n) { return printk("fresh", n); }';
/** A function that needs a datum of the module, by name. */
const HIDDEN = "static int hidden; int use(void) { return ++hidden; }";
const NEEDY = "int fresh(int n) { return n + ++hidden; }";

describe("several units of one object", () => {
  it("are missed where one brings what it does not use", async () => {
    const found = await between(
      "int f(int n) { return n; }",
      "static noinline int own(int n) { return n * 7; } int f(int n) { return own(n); } int fresh(int n) { return -n; }",
    );
    expect(found).toMatchObject({ kind: "patch", report: { added: ["own"], unused: ["fresh"] } });
  });

  it("are joined where one needs what is new in another", async () => {
    const { shared, parts, joined } = await updateOf([user(VMLINUX), giver(VMLINUX, FRESH)]);
    expect([...shared.of(VMLINUX).used]).toEqual([["fresh", VMLINUX]]);
    expect(parts.map(({ report }) => [...report.changed, ...report.added])).toEqual([["f"], ["fresh"]]);
    const [patch, ...others] = patchesOf(joined);
    expect(others).toEqual([]);
    const called = targets(patch as PatchObject, ".text.f").find(({ kind }) => kind === "own");
    expect(called?.kind === "own" ? patch?.sections[called.section]?.name : "").toBe(".text.fresh");
  });

  it("are joined by global names, whatever is static in a third one", async () => {
    const other = {
      object: VMLINUX,
      before: "int m(int n) { return n; }",
      after:
        "static noinline int fresh(int n) { return other(n) * 9; } int m(int n) { return fresh(n) + 1; }",
    };
    const { joined } = await updateOf([user(VMLINUX), giver(VMLINUX, FRESH), other]);
    const [patch] = patchesOf(joined);
    const called = targets(patch as PatchObject, ".text.f").find(({ kind }) => kind === "own");
    const section = called?.kind === "own" ? patch?.sections[called.section] : undefined;
    expect(section?.relocations.map(({ target }) => target)).toContainEqual({
      kind: "export",
      name: "printk",
      crc: CHECKSUM,
    });
  });

  it("are refused where a function moves from one to another, because others still call the old one", async () => {
    const moved = "int moved(int n) { return other(n); }";
    const [from, to] = ["int f(int n) { return n; }", "int k(int n) { return n; }"];
    const units = await Promise.all(
      [
        { before: `${from} ${moved}`, after: from },
        { before: to, after: `${to} ${moved}` },
      ].map(async ({ before, after }, i) => ({
        source: `unit${i}.c`,
        object: VMLINUX,
        before: await compiled(before),
        after: await compiled(after),
      })),
    );
    expect(sharedNames(units).refusals).toMatchObject([
      { code: "moved", subject: "moved", reason: "the patch moves it from unit0.c to unit1.c" },
    ]);
  });
});

describe("units of several objects", () => {
  it("may use what is new in the kernel's part", async () => {
    const { joined } = await updateOf([user(vfat), giver(VMLINUX, FRESH)]);
    const patches = patchesOf(joined);
    expect(partsOf(patches, vfat)).toEqual(["vmlinux .text.fresh"]);
    expect(written(patches)).toEqual([
      { object: "vfat", functions: [{ name: "f", position: 0 }], callbacks: [] },
    ]);
  });

  it("may use what is new in the part for a module that theirs depends on", async () => {
    const depends = 'const char depends[] __attribute__((section(".modinfo"))) = "depends=fat";';
    const { joined } = await updateOf([user(vfat, depends), giver(fat, NEEDY, HIDDEN)]);
    const patches = patchesOf(joined);
    expect(partsOf(patches, vfat)).toEqual(["fat .text.fresh"]);
    expect(written(patches)).toContainEqual({ object: "fat", functions: [], callbacks: [] });
  });

  it("may use what is new in the part for another module, if it needs nothing of that module", async () => {
    const { joined } = await updateOf([user(vfat), giver(fat, FRESH)]);
    expect(partsOf(patchesOf(joined), vfat)).toEqual(["fat .text.fresh"]);
  });

  it.each([
    ["itself", NEEDY],
    [
      "in a function that it calls",
      `static noinline int inner(int n) { return printk("i") + n + ++hidden; } int fresh(int n) { return inner(n) * 3; }`,
    ],
  ])("may not use it if it needs a module that may not be loaded: %s", async (_, fresh) => {
    const { joined } = await updateOf([user(vfat), giver(fat, fresh, HIDDEN)]);
    expect(joined).toMatchObject({
      kind: "refused",
      refusals: [
        { code: "unresolved", reason: expect.stringContaining("it refers to hidden of the module fat") },
      ],
    });
  });

  it.each([
    [vfat, "which the module fat exports, and vfat can be loaded without it"],
    [VMLINUX, "which the module fat exports, and the kernel runs without it"],
  ])("may not use what a module exports that need not be loaded: %s", async (object, reason) => {
    const before = "int f(int n) { return n; }";
    const after = "int wanted(int); int f(int n) { return wanted(n) + 1; }";
    const kernel = await shipping([
      { object, before, after },
      giver(fat, "", "int wanted(int n) { return n; }"),
    ]);
    const pair = {
      source: "unit.c",
      object,
      before: await compiled(before),
      after: await compiled(after),
      sourceBefore: before,
      sourceAfter: after,
    };
    const found = differentiate(pair, { ...kernel, moduleExports: new Map([["wanted", fat]]) });
    expect(found).toMatchObject({
      kind: "refused",
      refusals: [{ code: "unresolved", subject: "f", reason: `it refers to wanted, ${reason}` }],
    });
  });

  it("mean their own function, if the kernel's part has a new one of that name", async () => {
    const own = "int fresh(int n) { return n * 3; }";
    const { parts } = await updateOf([
      { ...user(vfat), before: `${user(vfat).before} ${own}` },
      giver(VMLINUX, FRESH),
    ]);
    expect(parts.map(({ shared }) => shared.length)).toEqual([0, 0]);
  });
});
