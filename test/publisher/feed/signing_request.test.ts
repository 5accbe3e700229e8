import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { checkRequest } from "../../../publisher/feed/check_request.ts";
import { unsigned } from "../../../publisher/feed/proposal.ts";
import { addSignatures, completed } from "../../../publisher/feed/request_signing.ts";
import { isMet } from "../../../publisher/feed/signatures.ts";
import {
  decodeRequest,
  encodeRequest,
  type RootRequest,
  type TargetsRequest,
} from "../../../publisher/feed/signing_request.ts";
import { targetsFile } from "../../../publisher/feed/targets_file.ts";
import { keyFromSeed, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { readRoot } from "../../../publisher/keys/root.ts";
import { signerOf, signWithSecrets } from "../../../publisher/keys/sign.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { errorLines } from "../../../shared/error_lines.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import type { JsonObject, JsonValue } from "../../../shared/json.ts";
import { DAY, instant } from "../../../shared/time.ts";
import { rootDocument } from "../../../shared/tuf/metadata.ts";
import type { Root } from "../../../shared/tuf/schema.ts";
import {
  type Ceremony,
  ceremony,
  manifestOf,
  signedTargets,
  someBuildId,
  updateOf,
} from "../../support/edge/repository.ts";

const now = instant(Date.UTC(2026, 0, 1));
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal must never be sent.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b]/;
const NASTY = "\u001b[2K\r\u009b1A\u202eevil\u200b\nroot unchanged";

/** A line of text that the format allows, and a terminal would not show as it is. */
const HIDDEN = "fixes\u200b a hole\ufeff";

let made: Ceremony;
let base: Root;
let document: JsonObject;
let stranger: SigningKey;

beforeAll(async () => {
  made = await ceremony(now);
  base = await readRoot(made.root);
  document = rootDocument({ ...base, version: 2 });
  stranger = await keyFromSeed(new Uint8Array(32).fill(99));
});

const rootRequest = (signed: JsonObject = document): RootRequest => ({
  kind: "root",
  roots: [made.root],
  metadata: unsigned(signed),
});

const checked = (request: RootRequest | TargetsRequest, held: Uint8Array | undefined = made.root) =>
  checkRequest(request, held, now);

describe("a request for a root", () => {
  it("goes from signer to signer until both thresholds are met", async () => {
    let request = decodeRequest(encodeRequest(rootRequest()));
    for (const key of made.keys.root) {
      const before = await checked(request as RootRequest);
      expect(before.quorums.every(isMet)).toBe(false);
      expect(() => completed(before)).toThrow(expect.objectContaining({ code: "usage" }));
      request = decodeRequest(encodeRequest(await addSignatures(request, before, [signerOf(key)])));
    }
    const after = await checked(request as RootRequest);
    expect(after.quorums.map(({ signed }) => signed.length)).toEqual([2, 2]);
    expect((await readRoot(completed(after))).version).toBe(2);
  });

  it("needs the old root's signatures where all root keys change, and says who is missing", async () => {
    const roles = new Map(base.roles).set("root", { keyIds: [stranger.id], threshold: 1 });
    const keys = new Map(base.keys).set(stranger.id, stranger.key);
    for (const { id } of made.keys.root) keys.delete(id);
    const request = rootRequest(rootDocument({ ...base, version: 2, roles, keys }));
    const signed = await addSignatures(request, await checked(request), [signerOf(stranger)]);
    const [old, own] = (await checked(signed)).quorums;
    expect([old && isMet(old), own && isMet(own)]).toEqual([false, true]);
    expect(old?.missing).toEqual(made.keys.root.map(({ id }) => id));
  });

  it("counts no signature of a stranger, of other bytes, or of nonsense, and drops them", async () => {
    const other = rootDocument({ ...base, version: 2, expires: instant(now + DAY) });
    const forged = fromUtf8(signWithSecrets(other, made.keys.root)).replace(
      /"signed":.*$/,
      fromUtf8(unsigned(document)).replace(/^.*?(?="signed":)/, ""),
    );
    for (const metadata of [utf8(forged), signWithSecrets(document, [stranger])]) {
      const request = { ...rootRequest(), metadata };
      const { quorums, ...rest } = await checked(request);
      expect(quorums.flatMap(({ signed }) => signed)).toEqual([]);
      const [key] = made.keys.root;
      const next = await addSignatures(request, { quorums, ...rest }, key ? [signerOf(key)] : []);
      expect((await checked(next)).envelope.signatures.size).toBe(1);
    }
  });
});

describe("a request that builds on another root than mine", () => {
  it("is refused: of another feed", async () => {
    const other = signWithSecrets(rootDocument({ ...base, expires: instant(now + 9 * DAY) }), made.keys.root);
    await expect(checked(rootRequest(), other)).rejects.toMatchObject({ code: "trust" });
  });

  it("is refused: older than mine", async () => {
    const second = signWithSecrets(document, made.keys.root);
    await expect(checked(rootRequest(), second)).rejects.toThrow(/does not build on the root you hold/);
  });

  it("is refused: a first root, where there is one", async () => {
    const first = { ...rootRequest(rootDocument(base)), roots: [] };
    await expect(checked(first)).rejects.toMatchObject({ code: "trust" });
  });

  it("is refused: without a root of mine", async () => {
    await expect(checkRequest(rootRequest(), undefined, now)).rejects.toMatchObject({ code: "config" });
  });

  it("is refused: a chain that does not follow", async () => {
    const forged = signWithSecrets(document, [stranger]);
    const request = { ...rootRequest(rootDocument({ ...base, version: 3 })), roots: [made.root, forged] };
    await expect(checked(request)).rejects.toThrow(/chain of roots is not valid/);
  });

  it("is taken from an older one of mine, when the chain holds", async () => {
    const second = signWithSecrets(document, made.keys.root);
    const request = { ...rootRequest(rootDocument({ ...base, version: 3 })), roots: [made.root, second] };
    expect((await checked(request)).diff[0]).toBe("root       version 2 -> 3");
  });
});

describe("what the diff could not show is not signed", () => {
  const more = (name: string, value: JsonValue) => rootRequest(new Map([...document, [name, value]]));

  it.each<readonly [string, () => RootRequest, RegExp]>([
    ["a member that nobody knows", () => more("x-also", "sign this"), /cannot show/],
    ["another version of the specification", () => more("spec_version", "1.0.99"), /cannot show/],
    ["files that are not named by version", () => more("consistent_snapshot", false), /cannot show/],
    ["a role that is not one of the four", () => more("roles", withMirrors()), /cannot show/],
    [
      "a version out of turn",
      () => rootRequest(rootDocument({ ...base, version: 3 })),
      /version 3, but must have version 2/,
    ],
    ["a key of no role", () => withKeys([[stranger.id, stranger.key]]), /for no role/],
    ["an id that is not the key's", () => replaced("f".repeat(64)), /not its digest/],
    ["an id made for terminals", () => replaced(NASTY), /not its digest/],
  ])("%s", async (_, request, message) => {
    const refused = await checked(request()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "trust", message: expect.stringMatching(message) });
    for (const line of errorLines(refused)) expect(line).not.toMatch(CONTROL);
  });

  const withKeys = (
    extra: readonly (readonly [string, Root["keys"] extends ReadonlyMap<string, infer K> ? K : never])[],
  ) => rootRequest(rootDocument({ ...base, version: 2, keys: new Map([...base.keys, ...extra]) }));

  const replaced = (id: string) => {
    const roles = new Map(base.roles).set("root", { keyIds: [id], threshold: 1 });
    const keys = new Map(base.keys).set(id, stranger.key);
    for (const key of made.keys.root) keys.delete(key.id);
    return rootRequest(rootDocument({ ...base, version: 2, roles, keys }));
  };

  const withMirrors = (): JsonValue => {
    const roles = document.get("roles");
    if (!(roles instanceof Map)) throw new Error("no roles");
    return new Map([
      ...roles,
      [
        "mirrors",
        new Map<string, JsonValue>([
          ["keyids", []],
          ["threshold", 1],
        ]),
      ],
    ]);
  };

  it("a root that would do harm is a fault, whoever asks for it", async () => {
    const expired = await checked(rootRequest(rootDocument({ ...base, version: 2, expires: now })));
    expect(expired.faults).toEqual([expect.stringContaining("past")]);
  });
});

describe("a request for targets", () => {
  let id: BuildId;
  let before: TargetsRequest["previous"];

  beforeAll(async () => {
    id = someBuildId();
    const manifest = encodeManifest(
      manifestOf(id, [await updateOf("kept", utf8("k")), await updateOf("old", utf8("o"))]),
    );
    before = { manifest, targets: await signedTargets(made, id, manifest, { version: 4 }) };
  });

  const request = async (
    extra: Partial<TargetsRequest> = {},
    custom = extra.manifest,
  ): Promise<TargetsRequest> => {
    const changed = { ...(await updateOf("kept", utf8("k"))), summary: HIDDEN, recalled: "it was wrong" };
    const manifest = encodeManifest(manifestOf(id, [changed, await updateOf("new", utf8("n"))]));
    const signed = await targetsFile({
      buildId: id,
      version: 5,
      expires: instant(now + 90 * DAY),
      manifest: custom ?? manifest,
    });
    return {
      kind: "targets",
      roots: [made.root],
      buildId: id,
      base: 4,
      metadata: unsigned(signed),
      manifest,
      previous: before,
      ...extra,
    };
  };

  it("is shown against what is in force, fit for a terminal", async () => {
    const { diff, warnings } = await checked(decodeRequest(encodeRequest(await request())) as TargetsRequest);
    const text = diff.join("\n");
    expect(text).toContain("targets    version 4 -> 5");
    expect(text).toMatch(/\+ update new: Fixes/);
    expect(text).toMatch(/- update old: Fixes/);
    expect(text).toContain("~ update kept: fixes\\u200b a hole\\ufeff");
    expect(text).toContain("recalled: no -> it was wrong");
    expect(text).toContain("in 90 days");
    for (const line of diff) expect(line).not.toMatch(CONTROL);
    expect(warnings).toEqual([]);
  });

  it("warns where nothing of what is in force is kept", async () => {
    const { warnings } = await checked(await request({ previous: undefined }));
    expect(warnings).toEqual([expect.stringContaining("version 4")]);
  });

  it.each<readonly [string, () => Promise<TargetsRequest>, RegExp]>([
    ["of a manifest that is not signed for", () => request({}, utf8("{}")), /do not match the manifest/],
    ["for another kernel", () => request({ buildId: someBuildId() }), /do not match the manifest/],
    ["of another version", () => request({ base: 3 }), /do not match the manifest/],
    [
      "compared with what nobody signed",
      async () =>
        request({
          previous: { ...nonNull(before), targets: signWithSecrets(await ofPrevious(), [stranger]) },
        }),
      /good signatures/,
    ],
    [
      "compared with another manifest",
      () => request({ previous: { ...nonNull(before), manifest: utf8("{}") } }),
      /bytes, .* were signed/,
    ],
  ])("%s is refused", async (_, made_, message) => {
    await expect(made_().then((one) => checked(one))).rejects.toThrow(message);
  });

  const ofPrevious = () =>
    targetsFile({ buildId: id, version: 4, expires: instant(now + DAY), manifest: nonNull(before).manifest });
});

function nonNull<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("undefined");
  return value;
}

describe("bytes that are no request", () => {
  it.each([
    ["", /request/],
    ["[]", /expected an object/],
    ['{"format":2}', /expected 1/],
    ['{"format":1,"kind":"timestamp","roots":[]}', /expected "targets"/],
    ['{"format":1,"kind":"root","roots":[],"metadata":"{}","also":1}', /unknown member: "also"/],
    ['{"format":1,"format":1}', /twice/],
    [`{"format":1,"kind":"root","roots":[],"metadata":"{}","\\u001b[2J":1}`, /unknown member/],
  ])("%j", (text, message) => {
    expect(() => decodeRequest(utf8(text))).toThrow(message);
  });

  it("give a request or a ParseError", () => {
    fc.assert(
      fc.property(fc.json(), fc.string({ unit: "binary" }), (json, name) => {
        for (const text of [json, `{"format":1,"kind":${JSON.stringify(name)},"roots":[]}`]) {
          try {
            decodeRequest(utf8(text));
          } catch (error) {
            expect(error).toMatchObject({ code: "parse" });
          }
        }
      }),
    );
  });
});
