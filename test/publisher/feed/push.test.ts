import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { currentManifest } from "../../../publisher/feed/current.ts";
import { type EdgeClient, edgeClient, refusedByEdge } from "../../../publisher/feed/edge_client.ts";
import { merge } from "../../../publisher/feed/proposal.ts";
import { openPublisherFolder, type PublisherFolder } from "../../../publisher/feed/publisher_folder.ts";
import { pushOne } from "../../../publisher/feed/push.ts";
import { makeToken } from "../../../publisher/feed/token.ts";
import { ExternalSigners } from "../../../publisher/keys/external_signer.ts";
import { Keyring } from "../../../publisher/keys/keyring.ts";
import { utf8 } from "../../../shared/bytes.ts";
import type { KernelManifest } from "../../../shared/feed/manifest.ts";
import { publishPath } from "../../../shared/feed/publication.ts";
import { DAY, type Instant, instant, systemClock } from "../../../shared/time.ts";
import { AUDIENCE, manifestOf, PUBLISHER, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { mustCli } from "../commands/cli.ts";
import { FEED, type ServedEdge, serveEdge } from "../commands/served_edge.ts";

const MODULE = utf8("\u007fELF a module");

let work: string;
let served: ServedEdge;
let folder: PublisherFolder;
let edge: EdgeClient;
let now: Instant;
beforeAll(async () => {
  now = systemClock();
  work = await mkdtemp(join(tmpdir(), "rebootless-push-"));
  const dir = join(work, "feed");
  await mustCli(["init", dir, ...FEED]);
  served = await serveEdge(dir, () => now);
  const nobody = { repeats: false, passphrase: () => Promise.reject(new Error("nobody is asked")) };
  folder = await openPublisherFolder(dir, new Keyring(nobody, new ExternalSigners(undefined)));
  edge = edgeClient(served.url, folder, () => now);
});
afterAll(async () => {
  await served.close();
  await rm(work, { recursive: true });
});

const draftOf = async (id: KernelManifest["kernel"]["buildId"], name: string, module = MODULE) =>
  manifestOf(id, [await updateOf(name, module)]);
const publish = async (draft: KernelManifest, through = edge) => {
  const artifacts = new Map([[sha256Of(MODULE), async () => MODULE]]);
  const options = { edge: through, folder, clock: () => now, artifacts, dryRun: false };
  const { version, attempts, proposed } = (await pushOne(draft, options)).result;
  return { version, attempts, updates: proposed?.merged.updates.length };
};
const inForce = async (id: KernelManifest["kernel"]["buildId"]) => {
  const { version, manifest } = await currentManifest(edge, folder, id);
  return { version, updates: manifest?.updates.map((update) => update.id) };
};

describe("merging a draft", () => {
  it("puts an update in the place of one with its id, and keeps the others", async () => {
    const id = someBuildId();
    const other = await updateOf("fix-2", MODULE);
    const old = manifestOf(id, [await updateOf("fix-1", MODULE), other]);
    const renewed = { ...(await updateOf("fix-1", MODULE)), recalled: "it leaks" };
    const draft = { ...manifestOf(id, [renewed]), kernel: { ...old.kernel, release: "6.1.0-newer" } };
    expect(merge(old, draft)).toEqual({ ...draft, updates: [other, renewed] });
  });

  it("keeps the fingerprint file unless the draft has another", async () => {
    const id = someBuildId();
    const fingerprints = { sha256: sha256Of(MODULE), length: MODULE.length };
    const old = { ...manifestOf(id, []), fingerprints };
    expect(merge(old, manifestOf(id, [])).fingerprints).toEqual(fingerprints);
    const newer = { ...fingerprints, length: 1 };
    expect(merge(old, { ...old, fingerprints: newer }).fingerprints).toEqual(newer);
  });

  it("keeps a distribution that somebody wrote, unless the draft says more than the kernel's banner", async () => {
    const id = someBuildId();
    const of = (distribution?: string) => {
      const draft = manifestOf(id, []);
      const banner = "Linux version 6.1.0-test (b@h) (gcc) #1 SMP Debian 6.1.192-2 (2026-11-20)";
      return {
        ...draft,
        kernel: { ...draft.kernel, banner, ...(distribution !== undefined && { distribution }) },
      };
    };
    const merged = (...both: readonly [string?, string?]) =>
      merge(of(both[0]), of(both[1])).kernel.distribution;
    expect(merged("Debian bookworm", "Debian 12")).toBe("Debian bookworm");
    expect(merged("Debian bookworm", undefined)).toBe("Debian bookworm");
    expect(merged("Debian bookworm", "Debian 12, ours")).toBe("Debian 12, ours");
    expect(merged(undefined, "Debian 12")).toBe("Debian 12");
  });

  it("is the draft where there is nothing yet", async () => {
    const draft = await draftOf(someBuildId(), "fix-1");
    expect(merge(undefined, draft)).toEqual(draft);
  });
});

describe("pushing", () => {
  it("publishes the first version, and the next on top of it", async () => {
    const id = someBuildId();
    expect(await publish(await draftOf(id, "fix-1"))).toMatchObject({ version: 1, updates: 1, attempts: 1 });
    expect(await publish(await draftOf(id, "fix-2"))).toMatchObject({ version: 2, updates: 2, attempts: 1 });
    expect(await inForce(id)).toEqual({ version: 2, updates: ["fix-1", "fix-2"] });
  });

  it("puts itself on top of whoever published in between", async () => {
    const id = someBuildId();
    let raced = 0;
    const racing: EdgeClient = {
      ...edge,
      async send(scope) {
        if (scope.path === "/publications" && raced < 2)
          await publish(await draftOf(id, `theirs-${++raced}`));
        return edge.send(scope);
      },
    };
    expect(await publish(await draftOf(id, "ours"), racing)).toMatchObject({ version: 3, attempts: 3 });
    expect(await inForce(id)).toEqual({ version: 3, updates: ["theirs-1", "theirs-2", "ours"] });
  });

  it("passes the edge's refusal on, in its words", async () => {
    const draft = await draftOf(someBuildId(), "fix-1", utf8("\u007fELF never staged"));
    await expect(publish(draft)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/^the edge refused the publication: .+ was not staged$/),
    });
  });

  it("says when nobody answers", async () => {
    const nowhere = edgeClient("http://127.0.0.1:1/", folder, () => now);
    await expect(publish(await draftOf(someBuildId(), "fix-1"), nowhere)).rejects.toMatchObject({
      code: "unreachable",
    });
  });

  it("brings a feed back whose targets have expired", async () => {
    const id = someBuildId();
    await publish(await draftOf(id, "fix-1"));
    now = instant(now + 200 * DAY);
    expect(await publish(await draftOf(id, "fix-2"))).toMatchObject({ version: 2, updates: 2 });
  });
});

describe("a refusal", () => {
  const answer = (status: number, body: string) => refusedByEdge({ status, body: utf8(body) }, "the root");

  it("quotes message and hint of the edge", () => {
    const error = answer(422, '{"error":{"message":"version 3 is not 2","hint":"fetch it"}}');
    expect(error).toMatchObject({ code: "refused", hint: "fetch it" });
    expect(error.message).toBe("the edge refused the root (422): version 3 is not 2");
  });

  it("is a conflict at 409", () => {
    expect(answer(409, "{}").code).toBe("conflict");
  });

  it.each(["", "<html>", "[]", '{"error":7}', '{"error":{"message":7}}'])(
    "makes do without a reason in %j",
    (body) => {
      expect(answer(502, body).message).toBe("the edge refused the root (502): it gave no reason");
    },
  );
});

describe("a token", () => {
  const scope = { method: "POST", path: `/${publishPath(someBuildId())}`, body: utf8("body") } as const;

  it("is for one request, of one publisher, to one audience, for a minute", async () => {
    const token = await makeToken(folder, scope, () => instant(1_800_000_000_999));
    expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", typ: "rebootless+jwt", kid: PUBLISHER });
    expect(decodeJwt(token)).toEqual({
      iss: PUBLISHER,
      aud: AUDIENCE,
      iat: 1_800_000_000,
      exp: 1_800_000_060,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      htm: "POST",
      htu: scope.path,
      bsh: sha256Of(scope.body),
    });
  });

  it("is another each time", async () => {
    const clock = () => now;
    expect(await makeToken(folder, scope, clock)).not.toBe(await makeToken(folder, scope, clock));
  });
});
