import { beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../../node/crypto.ts";
import { utf8 } from "../../../../shared/bytes.ts";
import { HostileRepository, newKey, VALID_UNTIL } from "../../../support/hostile_repository.ts";
import { outcome, TestClient } from "../../../support/hostile_repository_client.ts";
import { MAX_VISITED_ROLES } from "./find_target.ts";

let repository: HostileRepository;
let client: TestClient;

beforeEach(async () => {
  repository = await HostileRepository.create();
  client = new TestClient(repository);
});

/** Delegates along a list of `A>B`; a `!` after it makes the delegation terminating. */
async function delegate(...edges: readonly string[]): Promise<void> {
  for (const edge of edges) {
    const [, from = "", to = "", terminating] = /^(.+)>(.+?)(!?)$/.exec(edge) ?? [];
    await repository.delegate(from, to, { paths: ["*", "*/*"] }, terminating === "!");
  }
}

/** Publishes every delegated role by the keys of the first who delegates to it, and the top roles. */
async function publish(): Promise<void> {
  const done = new Set<string>();
  for (const [delegator, { delegations }] of [...repository.targets]) {
    for (const name of delegations.keys()) {
      if (done.has(name)) continue;
      await repository.publishDelegated(name, delegator);
      done.add(name);
    }
  }
  await repository.publish();
}

/** Delegated roles that were fetched in the last run, in order. */
const fetched = () =>
  client.requests
    .filter((name) => !/^(?:\d+\.(?:root|snapshot|targets)|timestamp)\.json$/.test(name))
    .map((name) => decodeURIComponent(name.replace(/^\d+\./, "").replace(/\.json$/, "")));

describe("the order of the search (5.6.7)", () => {
  it.each([
    ["by priority", ["targets>A", "targets>B"], ["A", "B"]],
    ["depth first", ["targets>A", "targets>B", "A>C", "A>D"], ["A", "C", "D", "B"]],
    [
      "nothing after a terminating role but below it",
      ["targets>A", "targets>B", "A>C!", "A>D", "C>E"],
      ["A", "C", "E"],
    ],
    ["a cycle once", ["targets>A", "A>B", "B>A"], ["A", "B"]],
    ["a role that delegates to itself once", ["targets>A", "A>A"], ["A"]],
    ["a diamond once", ["targets>A", "targets>B", "A>C", "B>C"], ["A", "C", "B"]],
    ["integer-like names in the order listed", ["targets>10", "targets>9", "targets>1"], ["10", "9", "1"]],
    [
      "prototype names like any other",
      ["targets>__proto__", "__proto__>constructor"],
      ["__proto__", "constructor"],
    ],
  ])("visits %s", async (_what, edges, order) => {
    await delegate(...edges);
    await publish();
    expect(await client.find("missing")).toEqual([undefined]);
    expect(fetched()).toEqual(order);
    await client.find("missing");
    expect(fetched()).toEqual([]); // all of it is in the cache, whatever its name
  });

  it("takes the first who has it", async () => {
    await delegate("targets>A", "targets>B");
    await repository.addTarget("A", "x", utf8("of A"));
    await repository.addTarget("B", "x", utf8("of B!"));
    await publish();
    const [file] = await client.find("x");
    expect(file?.length).toBe(4);
    expect(fetched()).toEqual(["A"]);
  });

  it("does not let a delegated role speak of a path it was not trusted with", async () => {
    await repository.delegate("targets", "A", { paths: ["a/*"] });
    await repository.delegate("A", "B", { paths: ["*", "*/*"] });
    await repository.addTarget("A", "b/x", utf8("x"));
    await repository.addTarget("B", "b/x", utf8("x"));
    await publish();
    expect(await client.find("b/x")).toEqual([undefined]);
    expect(fetched()).toEqual([]);
  });

  it("visits no more roles than it has to", async () => {
    const names = Array.from({ length: MAX_VISITED_ROLES + 1 }, (_, i) => `r${i}`);
    await delegate(...names.map((name, i) => `${i === 0 ? "targets" : names[i - 1]}>${name}`));
    await publish();
    expect(await outcome(client.find("missing"))).toBe("limit");
    expect(fetched()).toEqual(names.slice(0, MAX_VISITED_ROLES));
  });

  it("ends with an error, not with the next in line, where a role cannot be had", async () => {
    await delegate("targets>A", "targets>B");
    await repository.addTarget("B", "x", utf8("of B"));
    await publish();
    repository.files.delete("1.A.json");
    expect(await outcome(client.find("x"))).toBe("unreachable");
  });
});

describe("each delegating edge is verified by itself", () => {
  /** A and B both delegate to `release`, which only A's key signs. */
  beforeEach(async () => {
    await repository.delegate("targets", "A", { paths: ["a/*"] });
    await repository.delegate("targets", "B", { paths: ["b/*"] });
    await repository.delegate("A", "release", { paths: ["a/*"] });
    await repository.delegate("B", "release", { paths: ["b/*"] });
    await repository.addTarget("release", "a/x", utf8("trusted"));
    await repository.addTarget("release", "b/x", utf8("malicious"));
    await publish();
  });

  it("refuses a role through B that was verified through A, in one run", async () => {
    expect(await outcome(client.find("a/x"))).toBe("ok");
    expect(await outcome(client.find("a/x", "b/x"))).toBe("trust");
  });

  it("refuses it from the cache of an earlier run, too", async () => {
    await client.find("a/x");
    expect(await outcome(client.find("b/x"))).toBe("trust");
  });

  it("takes it through both where both keys sign", async () => {
    const keys = ["A", "B"].flatMap(
      (from) => repository.targetsOf(from).delegations.get("release")?.keys ?? [],
    );
    await repository.publishDelegated("release", "A", { signers: keys });
    await repository.publish();
    const found = await client.find("a/x", "b/x", "a/x");
    expect(found.map((file) => file?.length)).toEqual([7, 9, 7]);
    expect(fetched()).toEqual(["A", "release", "B"]);
  });
});

describe("delegated roles are judged like targets (5.6.2 to 5.6.5)", () => {
  beforeEach(async () => {
    await delegate("targets>A");
    await repository.addTarget("A", "x", utf8("x"));
  });

  it("refuses one that the snapshot does not list, without asking for it", async () => {
    await publish();
    repository.meta.delete("A.json");
    await repository.publishSnapshot();
    await repository.publishTimestamp();
    expect(await outcome(client.find("x"))).toBe("trust");
    expect(fetched()).toEqual([]);
  });

  it("refuses other bytes than the snapshot's, though its keys signed them under the same version", async () => {
    await publish();
    await repository.publishDelegated("A", "targets", { version: 1, edit: (signed) => signed.set("x", 1) });
    expect(await outcome(client.find("x"))).toBe("trust");
    expect(client.kept.has("A")).toBe(false);
  });

  it("refuses one that has expired", async () => {
    await repository.publishDelegated("A", "targets", {
      edit: (signed) => signed.set("expires", "2030-01-01T00:00:00Z"),
    });
    await repository.publish();
    expect(await outcome(client.find("x"))).toBe("expired");
  });

  it("refuses one of another version than the snapshot's", async () => {
    repository.statesHashes = false;
    await repository.publishDelegated("A", "targets", { edit: (signed) => signed.set("version", 2) });
    await repository.publish();
    expect(await outcome(client.find("x"))).toBe("trust");
  });

  it("refuses one below its threshold, and one key that is listed twice for it", async () => {
    const delegation = repository.targetsOf("targets").delegations.get("A");
    const [key] = delegation?.keys ?? [];
    if (!delegation || !key) throw new Error("no delegation");
    delegation.threshold = 2;
    delegation.keys = [key, { ...key, id: "alias" }];
    delegation.signers = delegation.keys;
    await publish();
    expect(await outcome(client.find("x"))).toBe("trust");
  });

  it("refuses one whose key was replaced by its delegator", async () => {
    await publish();
    await client.find("x");
    const delegation = repository.targetsOf("targets").delegations.get("A");
    if (delegation) delegation.keys = [await newKey()];
    await repository.publish();
    expect(await outcome(client.find("x"))).toBe("trust");
  });

  it("keeps the bytes received under the role's name, in a place of its own", async () => {
    await publish();
    await client.find("x");
    expect(client.kept.get("A")).toEqual(repository.file("1.A.json"));
  });
});

describe("names of roles", () => {
  it.each([
    "?",
    "#",
    "/absolute",
    "../up",
    "..",
    ".",
    "a b",
    "ä",
    "%2e%2e",
    "🔥",
    "constructor",
    "toString",
    "7",
  ])("asks for and keeps %j as any other", async (name) => {
    await repository.delegate("targets", name);
    await repository.addTarget(name, "x", utf8("x"));
    await publish();
    expect(await client.find("x")).not.toEqual([undefined]);
    expect(fetched()).toEqual([name]);
    expect(client.version(name)).toBe(1);
    await client.find("x");
    expect(fetched()).toEqual([]);
  });

  it.each(["root", "timestamp", "snapshot", "targets", "", "x".repeat(201), "ä".repeat(40)])(
    "refuses %j, which would take another's place or fit nowhere",
    async (name) => {
      await repository.delegate("targets", name);
      await repository.publish();
      expect(await outcome(client.refresh())).toBe("parse");
    },
  );
});

describe("path_hash_prefixes (4.5)", () => {
  it("covers the paths whose SHA-256 begins so", async () => {
    const hash = sha256Of(utf8("x"));
    await repository.delegate("targets", "A", { path_hash_prefixes: [`${hash.slice(0, 3)}0`] });
    await repository.delegate("targets", "B", { path_hash_prefixes: ["0", hash.slice(0, 4)] });
    await repository.addTarget("B", "x", utf8("x"));
    await publish();
    expect(await client.find("x")).not.toEqual([undefined]);
    expect(fetched()).toEqual(hash[3] === "0" ? ["A", "B"] : ["B"]);
  });

  it.each([
    ["both kinds of cover", { paths: ["*"], path_hash_prefixes: ["0"] }],
    ["an upper-case prefix", { path_hash_prefixes: ["A"] }],
    ["an empty prefix", { path_hash_prefixes: [""] }],
    ["a prefix that is too long", { path_hash_prefixes: ["0".repeat(65)] }],
    ["a number for a pattern", { paths: [1] }],
  ])("refuses %s", async (_what, covers) => {
    await repository.delegate("targets", "A", covers);
    await repository.publish();
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("takes a delegation that covers nothing for just that", async () => {
    await repository.delegate("targets", "A", {});
    await publish();
    expect(await client.find("x")).toEqual([undefined]);
    expect(fetched()).toEqual([]);
  });
});

describe("succinct roles (TAP 15)", () => {
  async function bins(bitLength: number, signers?: "nobody"): Promise<void> {
    const key = await newKey();
    const keys = { keys: [key], signers: signers === "nobody" ? [] : [key], threshold: 1 };
    repository.targetsOf("targets").succinct = {
      ...keys,
      version: 0,
      expires: VALID_UNTIL,
      bitLength,
      prefix: "bin",
    };
  }

  // The leftmost bits of the SHA-256 of "x", 2d711642b726b044…
  it.each([
    [1, "bin-0"],
    [3, "bin-1"],
    [4, "bin-2"],
    [5, "bin-05"],
    [8, "bin-2d"],
    [10, "bin-0b5"],
    [14, "bin-0b5c"],
    [32, "bin-2d711642"],
  ])("%i bits put the path x into %s", async (bitLength, bin) => {
    expect(sha256Of(utf8("x"))).toMatch(/^2d711642b726b044/);
    await bins(bitLength);
    await repository.addTarget(bin, "x", utf8("x"));
    await repository.publishDelegated(bin);
    await repository.publish();
    const [file] = await client.find("x");
    expect(file?.length).toBe(1);
    expect(fetched()).toEqual([bin]);
  });

  it("refuses a bin that its keys did not sign", async () => {
    await bins(4, "nobody");
    await repository.addTarget("bin-2", "x", utf8("x"));
    await repository.publishDelegated("bin-2");
    await repository.publish();
    expect(await outcome(client.find("x"))).toBe("trust");
  });

  it.each([0, 33, -1])("refuses %i bits", async (bitLength) => {
    await bins(bitLength);
    await repository.publish();
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("refuses bins and listed roles at once, and neither", async () => {
    const both = new Map<string, never>();
    await delegate("targets>A");
    await repository.publishTargets({
      text: (file) => file.replace('"delegations":{', '"delegations":{"succinct_roles":{},'),
    });
    await repository.publishSnapshot();
    await repository.publishTimestamp();
    expect(await outcome(client.refresh())).toBe("trust"); // edited after it was signed
    await repository.publishTargets({
      edit: (signed) => signed.set("delegations", both.set("keys", new Map() as never)),
    });
    await repository.publishSnapshot();
    await repository.publishTimestamp();
    expect(await outcome(client.refresh())).toBe("parse");
  });
});
