import { describe, expect, it } from "vitest";
import { appliedIds, hostState } from "../../../client/apply/host_state.ts";
import type { LoadedPatch } from "../../../client/engines/engine.ts";
import { buildId, objectName } from "../../../shared/brand.ts";
import type { KernelManifest } from "../../../shared/feed/manifest.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { fingerprintOf, landmarks, updateOf } from "./kernel.ts";

const fix = updateOf("fix", ["first", "second"]);
const other = updateOf("other", ["third"]);

/** What only newer kernels tell. */
const UNTOLD = { replaces: null, order: null } as const;

const manifestOf = (...updates: readonly Update[]): KernelManifest => ({
  kernel: { buildId: buildId("ab".repeat(20)), release: "6.12", architecture: "x86_64" },
  landmarks,
  updates,
});

const patch = (
  name: string,
  functions: readonly string[],
  state: LoadedPatch["state"] = "applied",
): LoadedPatch => ({ name: objectName(name), engine: "livepatch", state, functions, objects: [], ...UNTOLD });

const states = (manifest: KernelManifest, ...loaded: readonly LoadedPatch[]) =>
  hostState(manifest, loaded).updates.map(({ update, state }) => [update.id, state]);

describe("the state of a host", () => {
  it("is what the kernel says, by the names of modules", () => {
    const loaded = patch("livepatch_fix", ["vmlinux/first,1", "vmlinux/second,4"]);
    expect(states(manifestOf(fix, other), loaded)).toEqual([
      ["fix", "applied"],
      ["other", "available"],
    ]);
  });

  it.each(["applied", "transition", "disabled"] as const)("passes on %s", (state) => {
    expect(states(manifestOf(other), patch("livepatch_other", ["vmlinux/third,1"], state))).toEqual([
      ["other", state],
    ]);
  });

  it("says recalled of an update that is not loaded, and what it is of one that is", () => {
    const recalled = { ...other, recalled: "it leaks" };
    expect(states(manifestOf(recalled))).toEqual([["other", "recalled"]]);
    expect(states(manifestOf(recalled), patch("livepatch_other", ["vmlinux/third,1"]))).toEqual([
      ["other", "applied"],
    ]);
  });

  it.each([
    ["another function", ["vmlinux/first,1", "vmlinux/third,1"]],
    ["one more", ["vmlinux/first,1", "vmlinux/second,1", "vmlinux/third,1"]],
    ["one less", ["vmlinux/first,1"]],
    ["none", []],
    ["the same names in a module", ["kvm/first,1", "kvm/second,1"]],
  ])("calls a patch of our name an impostor when it replaces %s", (_, functions) => {
    const state = hostState(manifestOf(fix), [patch("livepatch_fix", functions)]);
    expect(state.updates[0]?.state).toBe("impostor");
    expect(appliedIds(state).size).toBe(0);
  });

  it("takes two functions of one name for what they are", () => {
    const objects = [
      {
        name: objectName("vmlinux"),
        buildId: null,
        layout: null,
        functions: [fingerprintOf("first"), fingerprintOf("first")],
      },
    ];
    const twice = patch("livepatch_fix", ["vmlinux/first,1", "vmlinux/first,2"]);
    expect(states(manifestOf({ ...fix, objects }), twice)).toEqual([["fix", "applied"]]);
    const once = patch("livepatch_fix", ["vmlinux/first,1"]);
    expect(states(manifestOf({ ...fix, objects }), once)).toEqual([["fix", "impostor"]]);
  });

  it("lists patches that no update names as foreign, and all of them without a manifest", () => {
    const theirs = patch("kpatch_x", ["vmlinux/x,1"]);
    const ours = patch("livepatch_other", ["vmlinux/third,1"]);
    expect(hostState(manifestOf(fix, other), [theirs, ours]).foreign).toEqual([theirs]);
    expect(hostState(undefined, [theirs, ours])).toEqual({ updates: [], foreign: [theirs, ours] });
  });

  it("counts as applied what is in force, and nothing in between", () => {
    const state = hostState(manifestOf(fix, other), [
      patch("livepatch_fix", ["vmlinux/first,1", "vmlinux/second,1"]),
      patch("livepatch_other", ["vmlinux/third,1"], "transition"),
    ]);
    expect([...appliedIds(state)]).toEqual(["fix"]);
  });
});
