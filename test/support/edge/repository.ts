import { randomBytes } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import { sha256Of } from "../../../node/crypto.ts";
import { privateJwk, publicJwk } from "../../../publisher/keys/jwk.ts";
import { keyFromSeed, newKey, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { firstRoot, type RootKeys } from "../../../publisher/keys/root.ts";
import { signWithSecrets } from "../../../publisher/keys/sign.ts";
import {
  address,
  type BuildId,
  buildId,
  objectName,
  sha256Hex,
  textOffset,
  updateId,
} from "../../../shared/brand.ts";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { encodeManifest, type KernelManifest } from "../../../shared/feed/manifest.ts";
import { manifestTarget } from "../../../shared/feed/paths.ts";
import { TOKEN_TYPE } from "../../../shared/feed/publication.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { type JsonValue, jsonObject } from "../../../shared/json.ts";
import { locatorLength } from "../../../shared/runpre/locator.ts";
import { DAY, type Instant, instant, SECOND, systemClock } from "../../../shared/time.ts";
import { targetsDocument } from "../../../shared/tuf/metadata.ts";
import type { TargetFile } from "../../../shared/tuf/schema.ts";

export const AUDIENCE = "feed.test";
export const PUBLISHER = "demo";

/** The keys of all roles: two of two for root and for targets, and one for each online role. */
export interface Ceremony extends RootKeys {
  readonly root: Uint8Array;
  readonly door: SigningKey;
}

/** Makes the same keys each time, so that failures can be repeated. */
export async function ceremony(now: Instant = systemClock()): Promise<Ceremony> {
  const key = (n: number) => keyFromSeed(new Uint8Array(32).fill(n));
  const keys = {
    root: [await key(1), await key(2)],
    targets: [await key(3), await key(4)],
    snapshot: [await key(5)],
    timestamp: [await key(6)],
  };
  const thresholds = { root: 2, targets: 2, snapshot: 1, timestamp: 1 };
  return { keys, thresholds, root: firstRoot({ keys, thresholds }, () => now), door: await key(7) };
}

/** Returns the secrets and variables of a deployment. */
export function secrets(made: Ceremony, online: Partial<RootKeys["keys"]> = {}): Record<string, string> {
  const jwks = (role: "snapshot" | "timestamp") => {
    const [first, ...more] = (online[role] ?? made.keys[role]).map(privateJwk);
    if (!first) throw new Error(`no ${role} key`);
    return JSON.stringify(more.length === 0 ? first : [first, ...more]);
  };
  return {
    TRUSTED_ROOT: fromUtf8(made.root),
    SNAPSHOT_KEY: jwks("snapshot"),
    TIMESTAMP_KEY: jwks("timestamp"),
    PUBLISHERS: JSON.stringify([{ id: PUBLISHER, key: publicJwk(made.door) }]),
    FEED_AUDIENCE: AUDIENCE,
  };
}

export const someBuildId = (): BuildId => buildId(randomBytes(20).toString("hex"));

/** Makes an update whose fingerprint fits no function: the edge never compares it. */
export async function updateOf(id: string, module: Uint8Array): Promise<Update> {
  return {
    id: updateId(id),
    summary: `Fixes what ${id} names`,
    cves: ["CVE-2026-12345"],
    published: instant(1_767_225_600_000),
    rollout: null,
    effective: null,
    depends: [],
    conflicts: [],
    recalled: null,
    engine: "livepatch",
    replace: false,
    supersedes: [],
    parts: [],
    module: {
      name: objectName(`livepatch_${id.replaceAll("-", "_")}`),
      sha256: sha256Of(module),
      length: module.length,
    },
    objects: [
      {
        name: objectName("vmlinux"),
        buildId: null,
        layout: null,
        functions: [
          {
            name: "cmdline_proc_show",
            offset: textOffset(0x1000),
            size: 64,
            sha256: sha256Hex("a".repeat(64)),
            locator: new Uint8Array(locatorLength(64)),
            sites: [],
          },
        ],
      },
    ],
  };
}

export const manifestOf = (id: BuildId, updates: readonly Update[]): KernelManifest => ({
  kernel: { buildId: id, release: "6.1.0-test", architecture: "x86_64" },
  landmarks: {
    linkedText: address(0xffffffff81000000n),
    returnThunkVariable: null,
    returnThunkDefault: null,
    returnThunkIts: null,
  },
  updates,
});

/** What a test may set wrongly on purpose. */
export interface TargetsOptions {
  readonly version?: number;
  readonly expires?: Instant;
  readonly path?: string;
  readonly custom?: JsonValue;
  readonly length?: number;
  readonly sha256?: string;
  readonly more?: readonly (readonly [string, TargetFile])[];
  readonly signers?: readonly SigningKey[];
}

export async function signedTargets(
  made: Ceremony,
  id: BuildId,
  manifest: Uint8Array,
  options: TargetsOptions = {},
): Promise<Uint8Array> {
  const file: TargetFile = {
    length: options.length ?? manifest.length,
    hashes: new Map([["sha256", options.sha256 ?? sha256Of(manifest)]]),
    custom: options.custom ?? jsonObject({ build_id: id }),
  };
  const document = targetsDocument({
    version: options.version ?? 1,
    expires: options.expires ?? instant(systemClock() + 90 * DAY),
    targets: new Map([[options.path ?? manifestTarget(id), file], ...(options.more ?? [])]),
  });
  return signWithSecrets(document, options.signers ?? made.keys.targets);
}

export const manifestBytes = (id: BuildId, updates: readonly Update[]): Uint8Array =>
  encodeManifest(manifestOf(id, updates));

/** Claims and a header that a test may set wrongly on purpose; a claim that is null is left out. */
export interface TokenOptions {
  readonly key?: SigningKey;
  readonly header?: Readonly<Record<string, string>>;
  readonly claims?: Readonly<Record<string, string | number | null>>;
  readonly now?: Instant;
}

export async function tokenFor(
  made: Ceremony,
  method: string,
  path: string,
  body: Uint8Array,
  options: TokenOptions = {},
): Promise<string> {
  const iat = Math.floor((options.now ?? systemClock()) / SECOND);
  const claims = {
    iss: PUBLISHER,
    aud: AUDIENCE,
    iat,
    exp: iat + 60,
    jti: randomBytes(16).toString("hex"),
    htm: method,
    htu: path,
    bsh: sha256Of(body),
    ...options.claims,
  };
  const present = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
  return new SignJWT(present)
    .setProtectedHeader({ alg: "EdDSA", typ: TOKEN_TYPE, kid: PUBLISHER, ...options.header })
    .sign(await importJWK(privateJwk(options.key ?? made.door), "EdDSA"));
}

export { newKey };
