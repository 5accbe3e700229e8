import { createHash } from "node:crypto";
import { address, objectName, sha256Hex, textOffset, updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import type { FunctionFingerprint, KernelLandmarks, TextMemory } from "../../../shared/runpre/fingerprint.ts";
import { locatorOf } from "../../../shared/runpre/locator.ts";
import { instant } from "../../../shared/time.ts";

/** A kernel of four functions, each with a place at its start where ftrace attaches. */
export const FUNCTIONS = ["first", "second", "third", "fourth"] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

const TEXT = address(0xffff_ffff_8100_0000n);
const SIZE = 96;
const NOP = [0x0f, 0x1f, 0x44, 0, 0];

export const landmarks: KernelLandmarks = {
  linkedText: TEXT,
  returnThunkVariable: null,
  returnThunkDefault: null,
  returnThunkIts: null,
};

export const startOf = (name: FunctionName): number => 0x100 * (1 + FUNCTIONS.indexOf(name));

/** As linked, with the ftrace site zero. */
function linked(name: FunctionName): Uint8Array {
  const start = startOf(name);
  return Uint8Array.from({ length: SIZE }, (_, i) => (i < NOP.length ? 0 : (start + i * 37) & 0xff));
}

export function fingerprintOf(name: FunctionName): FunctionFingerprint {
  const body = linked(name);
  return {
    name,
    offset: textOffset(startOf(name)),
    size: SIZE,
    sha256: sha256Hex(createHash("sha256").update(body).digest("hex")),
    locator: locatorOf(body),
    sites: [{ kind: "ftrace", at: 0 }],
  };
}

/** The memory of that kernel after boot. Tests change `bytes`, or what a reading sees. */
export class FakeMemory implements TextMemory {
  readonly text = TEXT;
  readonly bytes = new Uint8Array(0x600);
  readings = 0;
  closed = 0;
  /** Called before each reading with its number, from 1. */
  beforeReading: (reading: number) => void = () => undefined;

  constructor() {
    for (const name of FUNCTIONS) {
      this.bytes.set(linked(name), startOf(name));
      this.bytes.set(NOP, startOf(name));
    }
  }

  read(offset: number, length: number): Uint8Array {
    this.beforeReading(++this.readings);
    return this.bytes.slice(offset, offset + length);
  }

  close(): void {
    this.closed++;
  }

  /** As ftrace leaves a function that something is attached to. */
  attach(name: FunctionName): void {
    this.bytes.set([0xe8, 1, 2, 3, 4], startOf(name));
  }

  flip(name: FunctionName, at: number): void {
    const place = startOf(name) + at;
    this.bytes[place] = (this.bytes[place] ?? 0) ^ 0x10;
  }
}

/** An update that replaces these functions; its module is `livepatch_<id>`. */
export function updateOf(
  id: string,
  functions: readonly FunctionName[],
  more: Partial<Omit<Update, "depends" | "conflicts" | "supersedes">> & {
    readonly depends?: readonly string[];
    readonly conflicts?: readonly string[];
    readonly supersedes?: readonly string[];
  } = {},
): Update {
  const module = {
    name: objectName(`livepatch_${id.replaceAll("-", "_")}`),
    sha256: sha256Hex(createHash("sha256").update(moduleOf(id)).digest("hex")),
    length: moduleOf(id).length,
  };
  return {
    id: updateId(id),
    summary: `Fixes what ${id} names`,
    cves: [],
    published: instant(Date.UTC(2026, 0, 1)),
    rollout: null,
    effective: null,
    recalled: null,
    engine: "livepatch",
    replace: false,
    parts: [],
    module,
    objects: [
      { name: objectName("vmlinux"), buildId: null, layout: null, functions: functions.map(fingerprintOf) },
    ],
    ...more,
    depends: (more.depends ?? []).map(updateId),
    conflicts: (more.conflicts ?? []).map(updateId),
    supersedes: (more.supersedes ?? []).map(updateId),
  };
}

/** The bytes of that update's module. */
export const moduleOf = (id: string): Uint8Array => Buffer.from(`\u007fELF module of ${id}`);
