import { beforeAll, describe, expect, it } from "vitest";
import { faultsOf, TEXT_BINDINGS } from "../../edge/config.ts";
import { recordAll } from "../../edge/publish/renew_expiring.ts";
import { MemoryStore } from "../../edge/store/memory_store.ts";
import { privateJwk, publicJwk } from "../../publisher/keys/jwk.ts";
import { newKey, type SigningKey } from "../../publisher/keys/key_file.ts";
import { webCrypto } from "../../shared/crypto/web_crypto.ts";
import { systemClock } from "../../shared/time.ts";
import { errorOf, json, startWorkerd, TestPublisher } from "../support/edge/edge.ts";
import { inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
} from "../support/edge/repository.ts";

let made: Ceremony;
beforeAll(async () => {
  made = await ceremony();
});

const faults = async (change: Record<string, string | undefined>) => {
  const env = { ...secrets(made), ...change };
  return faultsOf(
    Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    webCrypto(),
  );
};
const OPTIONAL = ["PUBLISHER_LIMITS", "FEED_URL", "REQUIRE_TRIED"];

describe("what a deployment gives", () => {
  it("has no fault as it is written by init", async () => {
    expect(await faults({})).toEqual([]);
    expect(await faults({ FEED_URL: "https://feed.example.org" })).toEqual([]);
  });

  it.each(TEXT_BINDINGS.filter((name) => !OPTIONAL.includes(name)))(
    "is told to lack %s when it is missing",
    async (binding) => {
      expect(await faults({ [binding]: undefined })).toEqual([`${binding} is not set`]);
      expect(await faults({ [binding]: "" })).toEqual([`${binding} is not set`]);
    },
  );

  it.each(TEXT_BINDINGS.filter((name) => name !== "FEED_AUDIENCE"))(
    "is told what is wrong with %s, and never what it holds",
    async (binding) => {
      const key = made.door;
      const secret = privateJwk(key).d;
      const halves = [
        "SECRET-VALUE",
        `{"d": "SECRET-VALUE`,
        `{"d": ${"7".repeat(30)}}`,
        JSON.stringify({ ...privateJwk(key), crv: "SECRET-VALUE" }),
        JSON.stringify({ ...privateJwk(key), d: "SECRET-VALUE" }),
        JSON.stringify([{ id: "demo", key: privateJwk(key) }]),
        JSON.stringify([{ id: "demo", key: { ...publicJwk(key), x: "SECRET-VALUE" } }]),
        JSON.stringify([{ id: "demo", key: { ...publicJwk(key), crv: "SECRET-VALUE" } }]),
        JSON.stringify([{ id: "demo", key: "SECRET-VALUE" }]),
        JSON.stringify(publicJwk(key)),
        JSON.stringify({ ...publicJwk(key), d: privateJwk(await newKey()).d }),
      ];
      for (const text of halves) {
        const [fault, ...more] = await faults({ [binding]: text });
        expect([fault, more]).toEqual([expect.stringMatching(new RegExp(`^${binding}\\b.`)), []]);
        expect(fault).not.toMatch(new RegExp(`SECRET-VALUE|7{8}|${secret}`));
      }
    },
  );

  it.each<readonly [string, string, unknown, string]>([
    [
      "a scope",
      "PUBLISHERS",
      [
        { id: "one", key: "KEY" },
        { id: "two", key: "KEY", scope: { releases: ["6.1.*"] } },
      ],
      "PUBLISHERS[1].scope.releases: there is no such member: operations, kernels",
    ],
    [
      "a publisher",
      "PUBLISHERS",
      { publishers: [{ id: "one", key: "KEY", scop: {} }] },
      "PUBLISHERS.publishers[0].scop: there is no such member: id, key, keys, targets_keys, scope",
    ],
    [
      "an operation",
      "PUBLISHERS",
      [{ id: "one", key: "KEY", scope: { operations: ["update"] } }],
      "PUBLISHERS[0].scope.operations[0]: not one of updates, root",
    ],
    [
      "a build ID",
      "PUBLISHERS",
      [{ id: "one", key: "KEY", scope: { kernels: { build_ids: ["6.1"] } } }],
      "PUBLISHERS[0].scope.kernels.build_ids[0]: not of the form that it must have",
    ],
    [
      "a number",
      "PUBLISHERS",
      { publishers: [], quorums: [{ kernels: {}, publishers: "2" }] },
      "PUBLISHERS.quorums[0].publishers: expected an integer, had a string",
    ],
    [
      "an id that is there twice",
      "PUBLISHERS",
      [
        { id: "one", key: "KEY" },
        { id: "one", key: "KEY" },
      ],
      "PUBLISHERS[1].id: another publisher has this id",
    ],
    [
      "a limit",
      "PUBLISHER_LIMITS",
      { publishes: {} },
      "PUBLISHER_LIMITS.publishes: there is no such member: publish, stage, read",
    ],
    [
      "a member of a limit",
      "PUBLISHER_LIMITS",
      { read: { burst: 1, per_minutes: 1 } },
      "PUBLISHER_LIMITS.read.per_minutes: there is no such member: burst, per_minute",
    ],
    [
      "the private part of a key that is public",
      "PUBLISHERS",
      [{ id: "one", key: "PRIVATE" }],
      "PUBLISHERS[0].key.d: a private key where the public one belongs",
    ],
  ])("is told the path of what is misspelt: %s", async (_, binding, value, message) => {
    const text = JSON.stringify(value)
      .replaceAll('"KEY"', JSON.stringify(publicJwk(made.door)))
      .replaceAll('"PRIVATE"', JSON.stringify(privateJwk(made.door)));
    expect(await faults({ [binding]: text })).toEqual([message]);
  });

  it("is told of a name that nothing reads, and of everything at once", async () => {
    expect(await faults({ PUBLISHER_LIMIT: "{}", FEED_URL: "https://feed.example.org/path" })).toEqual([
      "FEED_URL: must be the address of a server, without a path",
      expect.stringMatching(/^PUBLISHER_LIMIT: not one of TRUSTED_ROOT, /),
    ]);
  });
});

/** A feed of one kernel, whose deployment then changes. */
async function deployed(change: Record<string, string | undefined>) {
  const store = new MemoryStore();
  const before = await inProcess(made, systemClock, { store });
  const id = someBuildId();
  const manifest = manifestBytes(id, []);
  const publication = { buildId: id, base: 0, manifest, targets: await signedTargets(made, id, manifest) };
  expect((await before.publisher.publish(publication)).status).toBe(201);
  await recordAll(before.deps);
  const edge = await inProcess(made, systemClock, {
    store,
    bindings: change,
    catalogue: before.deps.catalogue,
  });
  return { edge, id, publication };
}

describe("a deployment with a fault in it", () => {
  const MISSPELT = (door: SigningKey) =>
    JSON.stringify([{ id: "demo", key: publicJwk(door), scope: { release: ["6.1.*"] } }]);

  it.each([
    "PUBLISHERS",
    "FEED_AUDIENCE",
    "PUBLISHER_LIMITS",
    "REQUIRE_TRIED",
    "SNAPSHOT_KEY",
    "TIMESTAMP_KEY",
  ])("in %s is read from as before, and published to by nobody", async (binding) => {
    const broken = binding === "PUBLISHERS" ? MISSPELT(made.door) : binding === "FEED_AUDIENCE" ? "" : "{";
    const { edge, id, publication } = await deployed({ [binding]: broken });
    for (const path of [
      `/kernels/${id}/feed.json`,
      `/kernels/${id}/metadata/timestamp.json`,
      "/root/1.root.json",
      `/kernels/${id}`,
      "/kernels",
      "/kernels/changes",
      "/trust",
      "/install",
      "/",
    ])
      expect([path, (await edge.send("GET", path)).status]).toEqual([path, 200]);
    const manifest = manifestBytes(id, []);
    const targets = await signedTargets(made, id, manifest, { version: 2 });
    const answer = await edge.publisher.publish({ ...publication, base: 1, manifest, targets });
    expect([answer.status, errorOf(answer).code]).toEqual([500, "config"]);
    expect(errorOf(answer).message).toMatch(new RegExp(binding));
  });

  it("has an alarm that names the path and the member", async () => {
    const { edge } = await deployed({ PUBLISHERS: MISSPELT(made.door), TIMESTAMP_KEY: undefined });
    const health = await edge.send("GET", "/health");
    expect(health.status).toBe(503);
    expect(json(health)["alarms"]).toEqual(
      expect.arrayContaining([
        { name: "config_invalid", level: "failing", message: "TIMESTAMP_KEY is not set" },
        {
          name: "config_invalid",
          level: "failing",
          message: "PUBLISHERS[0].scope.release: there is no such member: operations, kernels",
        },
      ]),
    );
    expect(JSON.stringify(json(health))).not.toContain("timestamp_key");
  });

  it("without a root of trust answers every request with the reason, in the real Worker", async () => {
    const { TRUSTED_ROOT: _, ...env } = secrets(made);
    const edge = await startWorkerd(env);
    try {
      for (const path of ["/health", "/root/1.root.json", "/x"]) {
        const answer = await edge.send("GET", path);
        expect([answer.status, errorOf(answer).message]).toEqual([500, "TRUSTED_ROOT is not set"]);
        expect(answer.headers.get("cache-control")).toBe("no-store");
      }
    } finally {
      await edge.miniflare.dispose();
    }
  });

  it("with publishers that cannot be read serves on, in the real Worker", async () => {
    const edge = await startWorkerd({ ...secrets(made), PUBLISHERS: MISSPELT(made.door) });
    try {
      expect((await edge.send("GET", "/root/1.root.json")).status).toBe(200);
      expect((await edge.send("GET", "/kernels")).status).toBe(200);
      const publisher = new TestPublisher(made, edge.send);
      const answer = await publisher.stage(new Uint8Array([1]));
      expect([answer.status, errorOf(answer).code]).toEqual([500, "config"]);
      expect(errorOf(answer).message).toContain("PUBLISHERS[0].scope.release:");
    } finally {
      await edge.miniflare.dispose();
    }
  });
});
