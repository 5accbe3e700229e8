import { createHash } from "node:crypto";
import { Decoder } from "../../shared/decode.ts";
import { isCode } from "../../shared/errors.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { formatInstant, type Instant, instant, parseInstant } from "../../shared/time.ts";
import { TOP_ROLES } from "../../shared/tuf/schema.ts";
import type { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import type { Subject } from "./poll.ts";

/**
 * What a host notes when a whole chain has verified: the digest of everything that took part, and until when it
 * holds. While nothing of it changed and nothing has expired, a poll that brings nothing new need not check the
 * signatures again. It says so to nobody else, and no module is loaded on the strength of it: before that the
 * chain is verified anew.
 */
export interface Receipt {
  readonly manifest: KernelManifest;
  /** Of targets. */
  readonly version: number;
  /** The first expiry in the chain. */
  readonly expires: Instant;
}

export async function writeReceipt(subject: Subject, trusted: TrustedSet): Promise<void> {
  const manifest = await subject.directory.readManifest();
  const digest = manifest && (await digestOf(subject, manifest));
  if (digest === undefined) return;
  const { root, timestamp, snapshot, targets } = trusted;
  const ends = [root, timestamp, snapshot, targets].flatMap((file) => (file ? [file.expires] : []));
  const receipt = jsonObject({
    format: 1,
    digest,
    version: targets?.version ?? 0,
    expires: formatInstant(instant(Math.min(...ends))),
  });
  await subject.directory.writeReceipt(encodeJson(receipt));
}

/** undefined unless everything is as it was when the chain verified, and nothing has expired at `now`. */
export async function readReceipt(subject: Subject, now: Instant): Promise<Receipt | undefined> {
  const bytes = await subject.directory.readReceipt();
  const manifest = await subject.directory.readManifest();
  if (!bytes || !manifest) return undefined;
  try {
    const receipt = new Decoder(parseJson(bytes, "receipt", MAX_SMALL_VALUES), "receipt");
    receipt.get("format").literal(1);
    const expires = receipt.get("expires").as(parseInstant);
    if (expires <= now || receipt.get("digest").string() !== (await digestOf(subject, manifest)))
      return undefined;
    return { manifest: decodeManifest(manifest), version: receipt.get("version").integer(1), expires };
  } catch (error) {
    if (isCode(error, "parse")) return undefined; // then it is no receipt, and the signatures decide
    throw error;
  }
}

/** One digest over the provisioned root and every file that is kept, each with its length before it. */
async function digestOf(
  { directory, provisionedRoot }: Subject,
  manifest: Uint8Array,
): Promise<string | undefined> {
  const roles = await Promise.all(TOP_ROLES.map((role) => directory.metadata.read(role)));
  const hash = createHash("sha256");
  for (const file of [provisionedRoot, ...roles, manifest]) {
    if (!file) return undefined;
    hash.update(`${file.length}\n`).update(file);
  }
  return hash.digest("hex");
}
