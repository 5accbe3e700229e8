import { beforeEach, describe, expect, it } from "vitest";
import { nodeVerifier } from "../../../node/verifier.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { MAX_ROOT_ROTATIONS } from "../../../shared/limits.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { refresh } from "../../../shared/tuf/refresh.ts";
import { HostileRepository, type Key, NOW, newKey, testKey } from "../../support/hostile_repository.ts";
import { outcome, TestClient } from "../../support/hostile_repository_client.ts";

let repository: HostileRepository;
let client: TestClient;

beforeEach(async () => {
  repository = await HostileRepository.create();
  client = new TestClient(repository);
});

describe("the chain of roots (5.3)", () => {
  it("follows every root up to the first that does not exist, and keeps the last", async () => {
    for (let i = 0; i < 4; i++) await repository.publishRoot();
    await client.refresh();
    expect(client.requests.slice(0, 5)).toEqual([2, 3, 4, 5, 6].map((version) => `${version}.root.json`));
    expect(client.kept.get("root")).toEqual(repository.file("5.root.json"));
  });

  it("follows a rotation that old and new keys sign", async () => {
    const { after } = await repository.rotate("root");
    await repository.publishRoot();
    repository.roles.root.signers = [after];
    await repository.publishRoot();
    await client.refresh();
    expect(client.version("root")).toBe(3);
  });

  it("refuses a rotation without overlap: not signed by the old keys", async () => {
    const { after } = await repository.rotate("root");
    await repository.publishRoot({ signers: [after] });
    expect(await outcome(client.refresh())).toBe("trust");
    expect(client.version("root")).toBe(1);
  });

  it("refuses a rotation that the new keys do not sign", async () => {
    const { before } = await repository.rotate("root");
    await repository.publishRoot({ signers: before });
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it("refuses a root by a key that an earlier root revoked", async () => {
    const { before } = await repository.rotate("root");
    await repository.publishRoot();
    await repository.publishRoot({ signers: before });
    expect(await outcome(client.refresh())).toBe("trust");
    expect(client.version("root")).toBe(2);
  });

  it("needs the old threshold and the new one", async () => {
    const keys = [...repository.roles.root.keys, await newKey(), await newKey()];
    repository.roles.root.keys = keys;
    repository.roles.root.signers = keys.slice(0, 2);
    repository.roles.root.threshold = 2;
    await repository.publishRoot();
    await client.refresh();
    expect(client.version("root")).toBe(2);
    repository.roles.root.threshold = 1;
    await repository.publishRoot({ signers: keys.slice(0, 1) });
    expect(await outcome(client.refresh())).toBe("trust");
    await repository.publishRoot({ version: 3, signers: keys.slice(1) });
    expect(await outcome(client.refresh())).toBe("ok");
  });

  it.each([1, 3])("refuses %i where version 2 belongs", async (version) => {
    await repository.publishRoot({ edit: (signed) => signed.set("version", version) });
    expect(await outcome(client.refresh())).toBe("rollback");
    expect(client.version("root")).toBe(1);
  });

  it("does not mind that the provisioned root and those in between have expired", async () => {
    repository.roles.root.expires = "2029-01-01T00:00:00Z";
    await repository.publishRoot();
    repository.roles.root.expires = "2030-02-01T00:00:00Z";
    await repository.publishRoot();
    expect(await outcome(client.refresh())).toBe("ok");
  });

  it("stops after so many roots in one refresh and goes on in the next", async () => {
    for (let i = 0; i <= MAX_ROOT_ROTATIONS; i++) await repository.publishRoot();
    await client.refresh();
    expect(client.version("root")).toBe(MAX_ROOT_ROTATIONS + 1);
    await client.refresh();
    expect(client.version("root")).toBe(MAX_ROOT_ROTATIONS + 2);
  });

  it("takes nothing but an explicit absence for the end of the chain", async () => {
    const source = {
      root: async () => {
        throw new RebootlessError("unreachable", "answered 403");
      },
      timestamp: async () => repository.file("timestamp.json"),
      snapshot: async () => repository.file("1.snapshot.json"),
      targets: async () => repository.file("1.targets.json"),
    };
    const { provisionedRoot, metadataStore: store } = client;
    const expiry = enforcedAt(NOW);
    const options = { source, store, provisionedRoot, verifier: nodeVerifier, expiry };
    expect(await outcome(refresh(options))).toBe("unreachable");
    expect(client.version("timestamp")).toBeUndefined();
  });

  it("refuses files of a role by its revoked key", async () => {
    const { before } = await repository.rotate("targets");
    await repository.publishRoot();
    repository.roles.targets.signers = [...before];
    await repository.publish();
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it("refuses cached targets by a key that was revoked since, and fetches them again", async () => {
    await client.refresh();
    await repository.rotate("targets");
    await repository.publishRoot();
    expect(await outcome(client.refresh())).toBe("trust");
    expect(client.requests.at(-1)).toBe("1.targets.json");
  });
});

describe("the provisioned root and the persisted one (5.2)", () => {
  it("keeps the provisioned root from the first refresh on", async () => {
    await client.refresh();
    expect(client.kept.get("root")).toEqual(client.provisionedRoot);
  });

  it.each([
    ["nothing", ""],
    ["half a file", '{"signatures":[],"signed":{"_type":"ro'],
    ["another document", "[]"],
    ["a root that nobody signed", '{"signatures":[],"signed":{"_type":"root"}}'],
  ])("recovers from a persisted root that is %s, and says so", async (_what, text) => {
    await repository.publishRoot();
    await client.refresh();
    client.kept.set("root", new TextEncoder().encode(text));
    expect(await outcome(client.refresh())).toBe("ok");
    expect(client.damaged).toEqual(["root"]);
    expect(client.kept.get("root")).toEqual(repository.file("2.root.json"));
    await client.refresh();
    expect(client.damaged).toEqual([]);
  });

  it("recovers where there is no newer root to replace the damaged one with", async () => {
    await client.refresh();
    client.kept.set("root", Uint8Array.of(0));
    expect(await outcome(client.refresh())).toBe("ok");
    expect(client.kept.get("root")).toEqual(client.provisionedRoot);
  });

  it.each(["timestamp", "snapshot", "targets"])("recovers from a damaged %s, and says so", async (role) => {
    await client.refresh();
    client.kept.set(role, new TextEncoder().encode("{"));
    expect(await outcome(client.refresh())).toBe("ok");
    expect(client.damaged).toEqual([role]);
    expect(client.version(role)).toBe(1);
  });

  it("begins with the provisioned root where it is newer than the persisted one", async () => {
    await client.refresh();
    await repository.publishRoot();
    await repository.publishRoot();
    client.provisionedRoot = repository.file("3.root.json");
    await client.refresh();
    expect(client.requests[0]).toBe("4.root.json");
    expect(client.version("root")).toBe(3);
  });

  it("begins with the provisioned root where another of the same version is persisted", async () => {
    await client.refresh();
    const other = await HostileRepository.create();
    const moved = new TestClient(other);
    for (const [role, bytes] of client.kept) moved.kept.set(role, bytes);
    expect(await outcome(moved.refresh())).toBe("ok");
    expect(moved.kept.get("root")).toEqual(other.file("1.root.json"));
  });

  it("refuses a provisioned root that is not signed by itself", async () => {
    const unsigned = await HostileRepository.create();
    client.provisionedRoot = await unsigned.publishRoot({ version: 1, signers: [await newKey()] });
    expect(await outcome(client.refresh())).toBe("trust");
    expect(client.requests).toEqual([]);
  });
});

describe("thresholds (4.2, 4.3, 5.3.4)", () => {
  /** Two keys are needed for the timestamp, which `signers` sign. */
  async function twoNeeded(keys: Key[], signers: Key[]): Promise<void> {
    repository.roles.timestamp.threshold = 2;
    repository.roles.timestamp.keys = keys;
    await repository.publishRoot();
    await repository.publishTimestamp({ signers });
  }

  it("takes two signatures of two keys, with a third by a stranger beside them", async () => {
    const keys = [await newKey(), await newKey()];
    await twoNeeded(keys, [await newKey(), ...keys]);
    expect(await outcome(client.refresh())).toBe("ok");
  });

  it("refuses one signature where two are needed", async () => {
    const keys = [await newKey(), await newKey()];
    await twoNeeded(keys, keys.slice(0, 1));
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it("counts one public key under two key ids once", async () => {
    const key = await testKey(1);
    const alias = { ...key, id: "alias" };
    await twoNeeded([key, alias], [key, alias]);
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it("refuses a key id listed twice in a role", async () => {
    const key = await newKey();
    await twoNeeded([key, key], [key]);
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("refuses two signatures by one key id, even above the threshold", async () => {
    const [key] = repository.roles.timestamp.keys;
    await repository.publishTimestamp({ signers: key ? [key, key] : [] });
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("refuses what another role's key signed", async () => {
    await repository.publishTimestamp({ signers: repository.roles.snapshot.keys });
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it("refuses what nobody signed", async () => {
    await repository.publishTimestamp({ signers: [] });
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it.each(["", "zz", "00", "0".repeat(128), "A".repeat(128)])(
    "passes over the malformed signature %j beside a good one",
    async (sig) => {
      const [good] = repository.roles.timestamp.keys;
      const bad = await newKey();
      repository.roles.timestamp.keys.unshift(bad);
      await repository.publishRoot();
      await repository.publishTimestamp({
        signers: good ? [good] : [],
        text: (file) => file.replace('"signatures":[', `"signatures":[{"keyid":"${bad.id}","sig":"${sig}"},`),
      });
      expect(await outcome(client.refresh())).toBe("ok");
    },
  );

  it.each([0, -1, 1.5, "1", null])("refuses a threshold of %j", async (threshold) => {
    await repository.publishRoot({
      text: (file) => file.replace('"threshold":1', `"threshold":${JSON.stringify(threshold)}`),
    });
    expect(await outcome(client.refresh())).toBe("parse");
  });
});
