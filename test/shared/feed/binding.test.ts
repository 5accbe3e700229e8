import { beforeAll, describe, expect, it } from "vitest";
import { digests } from "../../../node/crypto.ts";
import { buildId } from "../../../shared/brand.ts";
import { verifyManifest } from "../../../shared/feed/binding.ts";
import { bundleSource } from "../../../shared/feed/bundle_source.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { manifestTarget } from "../../../shared/feed/paths.ts";
import { jsonObject } from "../../../shared/json.ts";
import { instant } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { refresh } from "../../../shared/tuf/refresh.ts";
import { emptyStore } from "../../../shared/tuf/staged_store.ts";
import type { TrustedSet } from "../../../shared/tuf/trusted_set.ts";
import { type Ceremony, ceremony } from "../../support/edge/repository.ts";
import { type Publication, signedBundle } from "../../support/memory_feed.ts";
import { ID, sampleManifest, sampleUpdate } from "./sample.ts";

const NOW = instant(Date.UTC(2036, 0, 1));
const OTHER_ID = buildId("ef".repeat(20));
const manifest = sampleManifest(sampleUpdate("fix-1"));
const bytes = encodeManifest(manifest);

let made: Ceremony;
beforeAll(async () => {
  made = await ceremony(NOW);
});

/** What a refresh trusts; its signatures are not what is tested here. */
async function trusting(options: Partial<Publication> = {}): Promise<TrustedSet> {
  const bundle = await signedBundle(made, ID, NOW, { manifest: bytes, ...options });
  const source = bundleSource(bundle, async () => undefined);
  return refresh({
    source,
    store: emptyStore,
    provisionedRoot: made.root,
    verifier: { digests, verify: async () => true },
    expiry: enforcedAt(NOW),
  });
}

describe("binding a manifest to a kernel", () => {
  it("gives the manifest that was signed for it", async () => {
    expect(await verifyManifest(await trusting(), ID, bytes, digests)).toEqual(manifest);
  });

  it.each<[string, Partial<Publication>, string]>([
    ["a path for another kernel", { path: manifestTarget(OTHER_ID) }, manifestTarget(OTHER_ID)],
    ["another build ID beside it", { custom: jsonObject({ build_id: OTHER_ID }) }, OTHER_ID],
    ["no build ID beside it", { custom: jsonObject({}) }, "undefined"],
    ["something else beside it", { custom: "build_id" }, "undefined"],
  ])("refuses %s, and says for whom it is", async (_, options, whose) => {
    const verified = verifyManifest(await trusting(options), ID, bytes, digests);
    await expect(verified).rejects.toMatchObject({ code: "trust", message: expect.stringContaining(whose) });
  });

  it("refuses a manifest that is for another kernel by its own word", async () => {
    const theirs = encodeManifest({ ...manifest, kernel: { ...manifest.kernel, buildId: OTHER_ID } });
    const verified = verifyManifest(await trusting({ manifest: theirs }), ID, theirs, digests);
    await expect(verified).rejects.toMatchObject({
      code: "trust",
      message: expect.stringContaining(OTHER_ID),
    });
  });

  it("refuses bytes that are not those that were signed, before it reads them", async () => {
    const trusted = await trusting();
    for (const other of [bytes.slice(1), Uint8Array.from(bytes, (byte, i) => (i === 9 ? byte ^ 1 : byte))]) {
      await expect(verifyManifest(trusted, ID, other, digests)).rejects.toMatchObject({ code: "trust" });
    }
  });

  it("refuses what is signed but no manifest", async () => {
    const odd = new TextEncoder().encode("[]");
    const verified = verifyManifest(await trusting({ manifest: odd }), ID, odd, digests);
    await expect(verified).rejects.toMatchObject({ code: "parse" });
  });
});
