import { describe, expect, it } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { emptyStore, staged } from "../../../shared/tuf/staged_store.ts";

/** A store that notes what is done to it. */
function noting(kept: ReadonlyMap<string, Uint8Array> = new Map()) {
  const done: string[] = [];
  const store = {
    read: async (role: string) => kept.get(role),
    write: async (role: string) => void done.push(`write ${role}`),
    remove: async (role: string) => void done.push(`remove ${role}`),
  };
  return { store, done };
}

describe("the staged store", () => {
  it("reads what it was given and what it was not from below, and writes nothing before it is told to", async () => {
    const { store, done } = noting(new Map([["root", utf8("below")]]));
    const stage = staged(store);
    await stage.write("timestamp", utf8("above"));
    expect(await stage.read("timestamp")).toEqual(utf8("above"));
    expect(await stage.read("root")).toEqual(utf8("below"));
    await stage.remove("root");
    expect(await stage.read("root")).toBeUndefined();
    expect(done).toEqual([]);
  });

  it("reads each file once, so that what verified stays what is read", async () => {
    const files = new Map([["root", utf8("verified")]]);
    const stage = staged(noting(files).store);
    expect(await stage.read("root")).toEqual(utf8("verified"));
    expect(await stage.read("targets")).toBeUndefined();
    files.set("root", utf8("replaced"));
    files.set("targets", utf8("added"));
    expect(await stage.read("root")).toEqual(utf8("verified"));
    expect(await stage.read("targets")).toBeUndefined();
  });

  it("removes first, then writes each file before those that it vouches for", async () => {
    const { store, done } = noting();
    const stage = staged(store);
    for (const role of ["delegated", "targets", "timestamp"]) await stage.write(role, utf8(role));
    await stage.remove("timestamp");
    await stage.remove("snapshot");
    for (const role of ["snapshot", "root", "timestamp"]) await stage.write(role, utf8(role));
    await stage.commit();
    expect(done).toEqual([
      "remove timestamp",
      "remove snapshot",
      "write root",
      "write timestamp",
      "write snapshot",
      "write targets",
      "write delegated",
    ]);
  });

  it("leaves removed what was not written again", async () => {
    const { store, done } = noting();
    const stage = staged(store);
    await stage.write("snapshot", utf8("x"));
    await stage.remove("snapshot");
    await stage.commit();
    expect(done).toEqual(["remove snapshot"]);
  });
});

it("the empty store keeps nothing", async () => {
  await emptyStore.write("root", utf8("x"));
  await emptyStore.remove("root");
  expect(await emptyStore.read("root")).toBeUndefined();
});
