import { beforeAll, describe, expect, it } from "vitest";
import { type KeyFacts, keyFromSeed } from "../../../publisher/keys/key_file.ts";
import { readRoot } from "../../../publisher/keys/root.ts";
import { changedRoot, type RootChange } from "../../../publisher/keys/root_change.ts";
import { rootDiff } from "../../../publisher/keys/root_diff.ts";
import { rootFaults, sharedKeys } from "../../../publisher/keys/root_faults.ts";
import { DAY, instant } from "../../../shared/time.ts";
import type { Root } from "../../../shared/tuf/schema.ts";
import { type Ceremony, ceremony } from "../../support/edge/repository.ts";

const now = instant(Date.UTC(2026, 0, 1));
const NONE: RootChange = {
  add: [],
  remove: [],
  thresholds: new Map(),
  owners: [],
  expires: instant(now + 90 * DAY),
};

let made: Ceremony;
let base: Root;
let fresh: KeyFacts;

beforeAll(async () => {
  made = await ceremony(now);
  base = await readRoot(made.root);
  fresh = { ...(await keyFromSeed(new Uint8Array(32).fill(40))), role: undefined };
});

const idOf = (role: "root" | "targets" | "timestamp"): string => made.keys[role][0]?.id ?? "";

describe("a change of the root", () => {
  it("rotates a key: the new one is listed, the old one nowhere any more", () => {
    const next = changedRoot(base, {
      ...NONE,
      add: [{ role: "root", key: fresh }],
      remove: [{ role: "root", keyId: idOf("root").slice(0, 8) }],
    });
    expect(next.version).toBe(2);
    expect(next.roles.get("root")?.keyIds).toEqual([made.keys.root[1]?.id, fresh.id]);
    expect(next.keys.has(idOf("root"))).toBe(false);
    expect(rootFaults(next, now)).toEqual([]);
  });

  it("is told line by line", () => {
    const next = changedRoot(base, {
      ...NONE,
      add: [{ role: "timestamp", key: fresh }],
      remove: [{ role: "timestamp", keyId: idOf("timestamp") }],
    });
    expect(rootDiff(base, next, now)).toEqual([
      "root       version 1 -> 2",
      "expires    2026-04-01T00:00:00Z, in 90 days",
      "  before   2027-01-01T00:00:00Z, in 365 days",
      "root       2 of 2 keys must sign, as before",
      "timestamp  1 of 1 key -> 1 of 1 key must sign",
      `  + key    ${fresh.id} (ed25519)`,
      `  - key    ${idOf("timestamp")} (ed25519)`,
      "snapshot   1 of 1 key must sign, as before",
      "targets    2 of 2 keys must sign, as before",
    ]);
  });

  it("finds the key that is meant by its owner, or by its id as people write it down", () => {
    const id = idOf("root");
    const owners = [{ keyId: id.slice(0, 8), owner: "Alice Example" }];
    const named = changedRoot(base, { ...NONE, owners });
    expect(named.keys.get(id)?.owner).toBe("Alice Example");
    for (const keyId of ["Alice Example", `${id.slice(0, 4)} ${id.slice(4, 8)} ${id.slice(8, 12)}`]) {
      const next = changedRoot(named, {
        ...NONE,
        add: [{ role: "root", key: fresh }],
        remove: [{ role: "root", keyId }],
      });
      expect(next.roles.get("root")?.keyIds).toEqual([made.keys.root[1]?.id, fresh.id]);
    }
  });

  it("takes no owner's name for a key where two have it", () => {
    const owners = made.keys.root.map(({ id }) => ({ keyId: id, owner: "Alice" }));
    const named = changedRoot(base, { ...NONE, owners });
    const change = { ...NONE, remove: [{ role: "root" as const, keyId: "Alice" }] };
    expect(() => changedRoot(named, change)).toThrow(/"Alice" names 2 keys of root/);
  });

  it("tells of a key whose owner is another, or is named for the first time", () => {
    const id = idOf("targets");
    const owned = (root: Root, owner: string) =>
      changedRoot(root, { ...NONE, owners: [{ keyId: id, owner }] });
    const alice = owned(base, "Alice");
    const lines = (before: Root, after: Root) =>
      rootDiff(before, after, now).filter((line) => line.includes(id));
    expect(lines(base, alice)).toEqual([`  + key    ${id}  Alice (ed25519)`, `  - key    ${id} (ed25519)`]);
    expect(lines(alice, owned(alice, "Mallory"))).toEqual([
      `  + key    ${id}  Mallory (ed25519)`,
      `  - key    ${id}  Alice (ed25519)`,
    ]);
    expect(lines(alice, owned(alice, "Alice"))).toEqual([]);
  });

  it("tells of a key that was exchanged under the same id", () => {
    const next = { ...base, version: 2, keys: new Map(base.keys).set(idOf("root"), fresh.key) };
    const lines = rootDiff(base, next, now).filter((line) => line.includes(idOf("root")));
    expect(lines).toEqual([`  + key    ${idOf("root")} (ed25519)`, `  - key    ${idOf("root")} (ed25519)`]);
  });

  it.each<readonly [string, () => Partial<RootChange>]>([
    ["an id that nobody has", () => ({ remove: [{ role: "root", keyId: "0123456789" }] })],
    ["an id too short to mean one", () => ({ remove: [{ role: "root", keyId: idOf("root").slice(0, 7) }] })],
    ["a key of another role", () => ({ remove: [{ role: "root", keyId: idOf("targets") }] })],
    ["a key that is there", () => ({ add: [{ role: "root", key: { ...fresh, id: idOf("root") } }] })],
    [
      "a key made for another role",
      () => ({ add: [{ role: "root", key: { ...fresh, role: "timestamp" } }] }),
    ],
  ])("by %s is refused", (_, change) => {
    expect(() => changedRoot(base, { ...NONE, ...change() })).toThrow(
      expect.objectContaining({ code: "usage" }),
    );
  });
});

describe("a root that would do harm", () => {
  it.each<readonly [string, () => Partial<RootChange>, RegExp]>([
    [
      "more signatures than keys",
      () => ({ thresholds: new Map([["root", 3]]) }),
      /need 3 signatures, but has 2 keys/,
    ],
    [
      "no timestamp key",
      () => ({ remove: [{ role: "timestamp", keyId: idOf("timestamp") }] }),
      /no key left/,
    ],
    [
      "too few targets keys",
      () => ({ remove: [{ role: "targets", keyId: idOf("targets") }] }),
      /2 .* has 1 key$/,
    ],
    ["an expiry that is past", () => ({ expires: instant(now - DAY) }), /past/],
    ["an expiry absurdly far", () => ({ expires: instant(now + 4000 * DAY) }), /five years/],
    [
      "two signatures of an edge that has one key",
      () => ({ add: [{ role: "timestamp", key: fresh }], thresholds: new Map([["timestamp", 2]]) }),
      /the edge signs with one key/,
    ],
  ])("%s is named", (_, change, fault) => {
    const next = changedRoot(base, { ...NONE, ...change() });
    expect(rootFaults(next, now)).toEqual([expect.stringMatching(fault)]);
  });

  it("a key that is offline and online at once is named, also under a second id", () => {
    const key = { ...fresh, key: made.keys.root[0]?.key ?? fresh.key };
    const next = changedRoot(base, { ...NONE, add: [{ role: "snapshot", key }] });
    expect(sharedKeys(next)).toEqual([expect.stringContaining("for root and, online, for snapshot")]);
  });
});
