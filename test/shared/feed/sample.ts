import { address, buildId, objectName, sha256Hex, textOffset, updateId } from "../../../shared/brand.ts";
import type { KernelManifest } from "../../../shared/feed/manifest.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { encodeJson, isJsonObject, type JsonObject, type JsonValue } from "../../../shared/json.ts";
import { locatorLength } from "../../../shared/runpre/locator.ts";
import { instant } from "../../../shared/time.ts";

export const ID = buildId("0123456789abcdef0123456789abcdef01234567");

export interface Relations {
  readonly depends?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly recalled?: string | null;
  readonly supersedes?: readonly string[];
  readonly replace?: boolean;
  /** Days after 2026-01-01. */
  readonly day?: number;
}

export function sampleUpdate(id: string, relations: Relations = {}): Update {
  return {
    id: updateId(id),
    summary: `Fixes what ${id} names`,
    cves: ["CVE-2026-12345"],
    published: instant(Date.UTC(2026, 0, 1 + (relations.day ?? 0))),
    rollout: null,
    effective: null,
    depends: (relations.depends ?? []).map(updateId),
    conflicts: (relations.conflicts ?? []).map(updateId),
    recalled: relations.recalled ?? null,
    engine: "livepatch",
    replace: relations.replace ?? false,
    supersedes: (relations.supersedes ?? []).map(updateId),
    parts: [],
    module: {
      name: objectName(`livepatch_${id.replaceAll(/[.-]/g, "_")}`),
      sha256: sha256Hex("c".repeat(64)),
      length: 4096,
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
            sites: [{ kind: "ftrace", at: 0 }],
          },
        ],
      },
    ],
  };
}

export const sampleManifest = (...updates: readonly Update[]): KernelManifest => ({
  kernel: { buildId: ID, release: "6.12.0-test", architecture: "x86_64" },
  landmarks: {
    linkedText: address(0xffff_ffff_8100_0000n),
    returnThunkVariable: textOffset(0x400),
    returnThunkDefault: textOffset(0x300),
    returnThunkIts: null,
  },
  updates,
});

/** The document with one member changed, by its path; `undefined` leaves it out. Numbers are places in arrays. */
export function altered(
  document: JsonValue,
  path: readonly (string | number)[],
  value: JsonValue | undefined,
): JsonValue {
  const [step, ...rest] = path;
  if (isJsonObject(document) && typeof step === "string") {
    const next = rest.length === 0 ? value : altered(document.get(step) ?? null, rest, value);
    const members = new Map(document);
    if (next === undefined) members.delete(step);
    else members.set(step, next);
    return members satisfies JsonObject;
  }
  if (Array.isArray(document) && typeof step === "number") {
    const items = document as readonly JsonValue[];
    return items.map((item, i) => (i === step ? altered(item, rest, value) : item));
  }
  if (path.length === 0) return value ?? null;
  throw new Error(`the document has no ${path.join(".")}`);
}

export const alteredBytes = (...args: Parameters<typeof altered>): Uint8Array => encodeJson(altered(...args));
