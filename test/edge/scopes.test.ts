import { beforeAll, describe, expect, it } from "vitest";
import { publicJwk } from "../../publisher/keys/jwk.ts";
import { newKey, type SigningKey } from "../../publisher/keys/key_file.ts";
import { firstRoot } from "../../publisher/keys/root.ts";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { encodeManifest } from "../../shared/feed/manifest.ts";
import { encodePublication, publishPath } from "../../shared/feed/publication.ts";
import { systemClock } from "../../shared/time.ts";
import { type Answer, errorOf } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestOf,
  signedTargets,
  someBuildId,
} from "../support/edge/repository.ts";

/** Root demands one signature, of any of three publishers' keys; what more is needed, the edge's rules say. */
let made: Ceremony;
let doors: Record<"debian" | "old" | "next" | "rescue" | "robot", SigningKey>;
let debian: SigningKey;
let next: SigningKey;
let rescue: SigningKey;
beforeAll(async () => {
  const one = await ceremony();
  const targets = [await newKey(), await newKey(), await newKey()];
  [debian, next, rescue] = targets as [SigningKey, SigningKey, SigningKey];
  const keys = { ...one.keys, targets };
  const thresholds = { ...one.thresholds, targets: 1 };
  made = { ...one, keys, thresholds, root: firstRoot({ keys, thresholds }, systemClock) };
  const [a, b, c, d, e] = await Promise.all([newKey(), newKey(), newKey(), newKey(), newKey()]);
  doors = { debian: a, old: b, next: c, rescue: d, robot: e } as typeof doors;
});

const PINNED = buildId("ab".repeat(20));
const releases = (...patterns: readonly string[]) => ({ releases: patterns });

function binding(): string {
  return JSON.stringify({
    publishers: [
      {
        id: "debian",
        keys: [publicJwk(doors.old), publicJwk(doors.debian)],
        targets_keys: [debian.id.replace(/.{4}(?=.)/g, "$& ")], // as `keys show` prints it
        scope: {
          operations: ["updates"],
          kernels: { ...releases("6.1.*-amd64"), distributions: ["Debian *"] },
        },
      },
      {
        id: "next",
        key: publicJwk(doors.next),
        targets_keys: [next.id],
        scope: { kernels: releases("6.1.*", "6.12.*") },
      },
      {
        id: "rescue",
        key: publicJwk(doors.rescue),
        targets_keys: [rescue.id],
        scope: { kernels: { build_ids: [PINNED] } },
      },
      { id: "robot", key: publicJwk(doors.robot), scope: { operations: ["root"] } },
    ],
    quorums: [{ kernels: releases("6.12.*-rt-*"), publishers: 2 }],
  });
}

const start = () => inProcess(made, systemClock, { publishers: binding() });

interface Attempt {
  readonly as: keyof typeof doors;
  readonly id?: BuildId;
  readonly release: string;
  readonly distribution?: string;
  readonly signers: readonly SigningKey[];
  readonly base?: number;
}

async function publish(edge: InProcess, attempt: Attempt): Promise<Answer> {
  const { as, id = someBuildId(), release, distribution, signers, base = 0 } = attempt;
  const { kernel, ...rest } = manifestOf(id, []);
  const facts = { ...kernel, release, ...(distribution !== undefined && { distribution }) };
  const manifest = encodeManifest({ ...rest, kernel: facts });
  const targets = await signedTargets(made, id, manifest, { signers, version: base + 1 });
  const body = encodePublication({ buildId: id, base, targets, manifest });
  return send(edge, as, "POST", `/${publishPath(id)}`, body);
}

async function send(edge: InProcess, as: keyof typeof doors, method: string, path: string, body: Uint8Array) {
  const id = as === "old" ? "debian" : as;
  const token = { key: doors[as], header: { kid: id }, claims: { iss: id } };
  return edge.publisher.signedRequest(method, path, body, token);
}

const DEBIAN = { release: "6.1.0-40-amd64", distribution: "Debian 12" };

describe("a publish within its scope", () => {
  it.each<readonly [string, () => Attempt]>([
    ["by release and distribution", () => ({ as: "debian", ...DEBIAN, signers: [debian] })],
    ["with the other of two door keys", () => ({ as: "old", ...DEBIAN, signers: [debian] })],
    ["by build ID", () => ({ as: "rescue", release: "5.10.0", id: PINNED, signers: [rescue] })],
    ["delivered for another publisher", () => ({ as: "next", ...DEBIAN, signers: [debian] })],
    [
      "under a quorum",
      () => ({ as: "next", release: "6.12.9-rt-amd64", id: PINNED, signers: [next, rescue] }),
    ],
  ])("%s", async (_, attempt) => {
    expect((await publish(await start(), attempt())).status).toBe(201);
  });
});

describe("a publish outside of its scope is refused, with the rule", () => {
  it.each<readonly [string, () => Attempt, RegExp]>([
    ["of another release", () => ({ as: "debian", release: "6.12.1-amd64", signers: [next] }), /^kernels: /],
    [
      "of another distribution",
      () => ({ as: "debian", ...DEBIAN, distribution: "Ubuntu", signers: [debian] }),
      /^kernels: .* not in the scope of publisher debian/,
    ],
    [
      "of no distribution",
      () => ({ as: "debian", release: DEBIAN.release, signers: [debian] }),
      /^kernels: /,
    ],
    ["of another build ID", () => ({ as: "rescue", ...DEBIAN, signers: [rescue] }), /^kernels: /],
    [
      "with a token for another operation",
      () => ({ as: "robot", ...DEBIAN, signers: [debian] }),
      /^operations: publisher robot/,
    ],
    [
      "signed by a key that is not for it",
      () => ({ as: "next", release: "6.12.1-amd64", signers: [debian] }),
      /^signatures: debian signed .* 0 of 1/,
    ],
    [
      "signed by too few publishers",
      () => ({ as: "next", release: "6.12.9-rt-amd64", signers: [next] }),
      /^quorums\[0\]: .* 2 publishers, .* \(next\)/,
    ],
    [
      "signed by enough, one of them out of its scope",
      () => ({ as: "next", release: "6.12.9-rt-amd64", signers: [next, debian] }),
      /^quorums\[0\]: /,
    ],
  ])("%s", async (_, attempt, message) => {
    const edge = await start();
    const answer = await publish(edge, attempt());
    expect([answer.status, errorOf(answer).reason]).toEqual([422, "not_permitted"]);
    expect(errorOf(answer).message).toMatch(message);
    expect((await edge.store.list("feeds/")).files).toEqual([]);
  });

  it("and a kernel of others is not had by calling it otherwise", async () => {
    const edge = await start();
    const id = someBuildId();
    const first = { as: "next", id, release: "6.12.1-amd64", signers: [next] } as const;
    expect((await publish(edge, first)).status).toBe(201);
    const answer = await publish(edge, { as: "debian", id, ...DEBIAN, base: 1, signers: [debian] });
    expect(errorOf(answer).message).toMatch(/^kernels: /);
    const both = { as: "next", id, release: "6.1.0-rt", base: 1, signers: [next] } as const;
    expect((await publish(edge, both)).status).toBe(201);
  });

  it("staging and the root are operations too", async () => {
    const edge = await start();
    const staged = await send(edge, "robot", "PUT", `/staging/${"0".repeat(64)}`, utf8("x"));
    expect([staged.status, errorOf(staged).code]).toEqual([403, "not_permitted"]);
    const root = await send(edge, "debian", "POST", "/root", made.root);
    expect([root.status, errorOf(root).reason]).toEqual([422, "not_permitted"]);
    const allowed = await send(edge, "robot", "POST", "/root", made.root);
    expect(errorOf(allowed).reason).not.toBe("not_permitted");
  });
});

describe("PUBLISHERS", () => {
  const refused = async (change: (json: { publishers: Record<string, unknown>[] }) => void) => {
    const json = JSON.parse(binding());
    change(json);
    const { deps } = await inProcess(made, systemClock, { publishers: JSON.stringify(json) });
    expect(deps.faults).toEqual([
      { binding: "PUBLISHERS", message: expect.stringMatching(/^PUBLISHERS\.publishers\[\d\]/) },
    ]);
    expect(deps.publishers.byId.size).toBe(0);
  };
  it("is refused with a limit that is misspelt", async () => {
    await refused(({ publishers: [first] }) => {
      Object.assign(first as object, { scopes: {} });
    });
    await refused(({ publishers: [first] }) => {
      Object.assign(first as object, { scope: { operations: ["update"] } });
    });
    await refused(({ publishers: [first] }) => {
      Object.assign(first as object, { scope: { kernels: { release: ["6.1.*"] } } });
    });
  });
  it("is refused with an id, or a targets key, of two publishers", async () => {
    await refused(({ publishers }) => publishers.push({ ...publishers[3] }));
    await refused(({ publishers: [first, second] }) => {
      Object.assign(second as object, { targets_keys: first?.["targets_keys"] });
    });
  });
  it("is refused with both key and keys, and with neither", async () => {
    await refused(({ publishers: [first] }) => {
      Object.assign(first as object, { key: publicJwk(doors.old) });
    });
    await refused(({ publishers: [first] }) => {
      delete first?.["keys"];
    });
  });
});
