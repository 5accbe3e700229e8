import { beforeEach, describe, expect, it } from "vitest";
import { digests, sha256Of } from "../../../../node/crypto.ts";
import { utf8 } from "../../../../shared/bytes.ts";
import { type JsonValue, jsonObject } from "../../../../shared/json.ts";
import { MAX_ARTIFACT_BYTES } from "../../../../shared/limits.ts";
import { HostileRepository } from "../../../support/hostile_repository.ts";
import { outcome, TestClient } from "../../../support/hostile_repository_client.ts";

const CONTENT = utf8("what was signed for");
let repository: HostileRepository;
let client: TestClient;

beforeEach(async () => {
  repository = await HostileRepository.create();
  client = new TestClient(repository);
  await repository.addTarget("targets", "some/where/file.ko", CONTENT);
  await repository.publish();
});

/** Lists a target as it is told to and serves CONTENT for it under each of its names. */
async function list(file: Readonly<Record<string, JsonValue>>, path = "file"): Promise<void> {
  repository.targetsOf("targets").targets.set(path, jsonObject(file));
  for (const algorithm of ["sha256", "sha512"] as const) {
    repository.artifacts.set(`${await digests[algorithm](CONTENT)}.${path}`, CONTENT);
  }
  await repository.publish();
}

const sha256 = async () => ({ sha256: sha256Of(CONTENT) });
const sha512 = async () => ({ sha512: await digests.sha512(CONTENT) });

describe("a target (5.7)", () => {
  it("is fetched by its hash where snapshots are consistent, and only once", async () => {
    expect(await client.download("some/where/file.ko")).toBe("fetched");
    expect(client.requests.at(-1)).toBe(`some/where/${sha256Of(CONTENT)}.file.ko`);
    expect(client.downloaded.get("some/where/file.ko")).toEqual(CONTENT);
    expect(await client.download("some/where/file.ko")).toBe("cached");
  });

  it("is fetched by its own name where snapshots are not consistent", async () => {
    repository = await HostileRepository.create((made) => {
      made.consistent = false;
    });
    client = new TestClient(repository);
    await repository.addTarget("targets", "a/file", CONTENT);
    await repository.publish();
    expect(await client.download("a/file")).toBe("fetched");
    expect(client.requests).toEqual([
      "2.root.json",
      "timestamp.json",
      "snapshot.json",
      "targets.json",
      "a/file",
    ]);
  });

  it("is not consistent where the root does not say (4.3)", async () => {
    repository = await HostileRepository.create((made) => {
      made.consistent = undefined;
    });
    client = new TestClient(repository);
    expect((await client.refresh()).root.consistentSnapshot).toBe(false);
    expect(client.requests).toContain("snapshot.json");
  });

  it("is replaced when another was signed for, and a damaged copy is fetched again", async () => {
    await client.download("some/where/file.ko");
    client.downloaded.set("some/where/file.ko", utf8("damaged"));
    expect(await client.download("some/where/file.ko")).toBe("fetched");
    await repository.addTarget("targets", "some/where/file.ko", utf8("newer"));
    await repository.publish();
    expect(await client.download("some/where/file.ko")).toBe("fetched");
    expect(client.downloaded.get("some/where/file.ko")).toEqual(utf8("newer"));
  });

  it.each([
    ["of another content", "what was signed f0r"],
    ["of another length", "what was signed for, and more"],
    ["of no length", ""],
  ])("%s never reaches the store", async (_what, content) => {
    for (const path of [...repository.artifacts.keys()]) repository.artifacts.set(path, utf8(content));
    expect(await outcome(client.download("some/where/file.ko"))).toBe("trust");
    expect(client.downloaded.size).toBe(0);
  });

  it("is judged by every hash that is listed", async () => {
    await list({ length: CONTENT.length, hashes: jsonObject({ ...(await sha256()), ...(await sha512()) }) });
    expect(await client.download("file")).toBe("fetched");
    await list({
      length: CONTENT.length,
      hashes: jsonObject({ ...(await sha256()), sha512: "0".repeat(128) }),
    });
    client.downloaded.clear();
    expect(await outcome(client.download("file"))).toBe("trust");
  });

  it.each([
    ["no hash", {}],
    ["a hash of an unknown kind", { md5: "0".repeat(32) }],
    ["a hash that is too short", { sha256: "00" }],
    ["a hash in capitals", { sha256: "A".repeat(64) }],
  ])("with %s is refused", async (_what, hashes) => {
    await list({ length: CONTENT.length, hashes: jsonObject(hashes) });
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it.each([-1, 0.5, "1", null, 2 ** 53])("of length %j is refused", async (length) => {
    await list({ length, hashes: jsonObject(await sha256()) });
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("longer than a host takes is refused before it is asked for", async () => {
    await list({ length: MAX_ARTIFACT_BYTES + 1, hashes: jsonObject(await sha256()) });
    expect(await outcome(client.download("file"))).toBe("limit");
    expect(client.requests.some((name) => name.endsWith(".file"))).toBe(false);
  });

  it.each(["../file", "a/../file", "/file", "a//file", "a/", "", ".", "a/./b"])(
    "at %j is refused: the URL would be another",
    async (path) => {
      await list({ length: CONTENT.length, hashes: jsonObject(await sha256()) }, path);
      expect(await outcome(client.download(path))).toBe("trust");
    },
  );

  it.each(["a?b", "a#b", "a b", "a%2fb", "ä/ö", "__proto__", "constructor", "7", "a\\b", "x:y"])(
    "at %j is found and asked for by that name",
    async (path) => {
      await repository.addTarget("targets", path, CONTENT);
      await repository.publish();
      expect(await client.download(path)).toBe("fetched");
      expect(client.requests.at(-1)).not.toMatch(/[?# \\:]/);
    },
  );

  it.each(["__proto__", "constructor", "toString"])(
    "at %j is not found where nobody signed for it",
    async (path) => {
      expect(await client.download(path)).toBe("none");
    },
  );
});
