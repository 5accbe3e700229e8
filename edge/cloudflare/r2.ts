import type { R2Bucket, R2Conditional, R2ListOptions, R2Object } from "@cloudflare/workers-types";
import { sha256Hex } from "../../shared/brand.ts";
import { webDigests } from "../../shared/crypto/web_crypto.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Notes, Store, Stored } from "../store/store.ts";

/**
 * The number of keys on a page of a list. With metadata, R2 returns fewer than its limit of 1000, and says
 * so.
 */
const PAGE = 500;

/** Returns a store in R2. The digest is in the object's custom metadata, because R2's own etag is an MD5. */
export function r2Store(bucket: R2Bucket): Store {
  const put = async (key: string, bytes: Uint8Array, notes: Notes, onlyIf: R2Conditional | Headers) => {
    const sha256 = await webDigests.sha256(bytes);
    // R2 checks the digest of what it received, and answers null when the condition does not hold.
    return bucket.put(key, bytes, {
      onlyIf: onlyIf as R2Conditional,
      sha256,
      customMetadata: { ...notes, sha256 },
    });
  };
  const create = async (key: string, bytes: Uint8Array, notes: Notes) =>
    (await put(key, bytes, notes, new Headers({ "If-None-Match": "*" }))) !== null;
  /** Copies a value, as R2 has no operation for that. Resolves to false if the value has changed. */
  const keep = async (key: string, revision: string, as: string): Promise<boolean> => {
    const object = await bucket.get(key);
    if (object?.etag !== revision) {
      await object?.body.cancel();
      return false;
    }
    await create(as, new Uint8Array(await object.arrayBuffer()), describe(object)?.notes ?? {});
    return true;
  };
  return {
    head: async (key) => describe(await bucket.head(key)),
    get: async (key, range) => {
      const part = range && { range: { offset: range.start, length: range.end - range.start } };
      const object = await bucket.get(key, part);
      const stored = describe(object);
      if (!object || !stored) return undefined;
      return {
        ...stored,
        stream: () => object.body as unknown as ReadableStream<Uint8Array>,
        bytes: async () => new Uint8Array(await object.arrayBuffer()),
      };
    },
    create: async (key, bytes, notes = {}) => ((await create(key, bytes, notes)) ? "created" : "exists"),
    replace: async (key, revision, bytes, notes = {}, keepPreviousAs) => {
      if (keepPreviousAs !== undefined && !(await keep(key, revision, keepPreviousAs))) return "stale";
      return (await put(key, bytes, notes, { etagMatches: revision })) ? "replaced" : "stale";
    },
    list: async (prefix, after) => {
      const page = await bucket.list({
        prefix,
        limit: PAGE,
        include: ["customMetadata"],
        ...(after !== undefined && { startAfter: after }),
      } as R2ListOptions);
      const files = page.objects.flatMap((object) => {
        const stored = describe(object);
        return stored ? [{ key: object.key, ...stored }] : [];
      });
      return { files, next: page.truncated ? page.objects.at(-1)?.key : undefined };
    },
    delete: (key) => bucket.delete(key),
  };
}

function describe(object: R2Object | null): Stored | undefined {
  if (!object) return undefined;
  const { sha256, ...notes } = object.customMetadata ?? {};
  if (sha256 === undefined) {
    throw new RebootlessError("io", `${object.key} was not written by this program: it has no digest`);
  }
  return { revision: object.etag, sha256: sha256Hex(sha256), length: object.size, notes };
}
