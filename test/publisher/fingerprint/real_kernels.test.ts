import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fingerprintWhole, kernelFile } from "../../../publisher/fingerprint/kernel_file.ts";
import { fingerprintSymbol } from "../../../publisher/fingerprint/kernel_function.ts";
import { landmarks } from "../../../publisher/fingerprint/landmarks.ts";
import { type KernelImage, openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { equalBytes } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { encodeJson, parseJson } from "../../../shared/json.ts";
import { openFingerprints } from "../../../shared/runpre/file/decode.ts";
import type { FunctionFingerprint } from "../../../shared/runpre/fingerprint.ts";
import { fingerprintFromJson, fingerprintToJson } from "../../../shared/runpre/json.ts";
import { foldLocator } from "../../../shared/runpre/locator.ts";

/** Counted once against outside oracles: the guest's /proc/kallsyms and the boot code's relocations. */
const KNOWN: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map([
  [
    "3b43fad5034874490492495d552c0af6a5fab235", // Debian 6.1.192-2
    {
      release: "6.1.0-56-cloud-amd64",
      symbols: 87_347,
      relocations: [70_777, 8_457, 123_692],
      places: 44_180,
    },
  ],
  [
    "7f76f39faf07f34cfa9fadd801e131bfa8cb6dc3", // Debian 6.12.117-1~deb12u1
    {
      release: "6.12.117+deb12-cloud-amd64",
      symbols: 154_686,
      relocations: [78_012, 13_099, 146_103],
      places: 97_162,
    },
  ],
]);

const paths = (process.env["REBOOTLESS_KERNEL_IMAGES"] ?? "").split(":").filter((path) => path !== "");

/** Each place in the text once, however many names it has. How many sites there are of each kind; what is refused, and why. */
function survey(image: KernelImage): {
  places: number;
  refused: readonly string[];
  kinds: ReadonlyMap<string, number>;
  changedByJson: readonly string[];
} {
  const refused: string[] = [];
  const changedByJson: string[] = [];
  const kinds = new Map<string, number>();
  const seen = new Set<bigint>();
  for (const symbol of image.symbols.all) {
    const offset = Number(symbol.address - image.linkedText);
    if (offset < 0 || offset >= image.textEnd || seen.has(symbol.address)) continue;
    seen.add(symbol.address);
    try {
      const fingerprint = fingerprintSymbol(image, symbol);
      for (const { kind } of fingerprint.sites) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      const isSample = seen.size % 20 === 0 && fingerprint.sites.length > 0;
      if (isSample && !survivesJson(fingerprint)) changedByJson.push(symbol.name);
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      refused.push(String(error.details["kinds"] ?? error.message));
    }
  }
  return { places: seen.size, refused, kinds, changedByJson };
}

function survivesJson(fingerprint: FunctionFingerprint): boolean {
  const text = encodeJson(fingerprintToJson(fingerprint));
  return isDeepStrictEqual(fingerprintFromJson(parseJson(text, "test", 10_000)), fingerprint);
}

/** The whole kernel in one file: small, and every function comes back from it. */
function expectFile(image: KernelImage): void {
  const whole = fingerprintWhole(image);
  const file = kernelFile(image, whole);
  if (image.release.startsWith("6.1.")) {
    expect(file.length).toBeLessThan(3_000_000);
    expect(gzipSync(file, { level: 9 }).length).toBeLessThan(1_500_000);
  }
  const opened = openFingerprints(file);
  expect(opened.count).toBe(whole.functions.length);
  const changed = whole.functions.filter((fn, i) => {
    const kept = opened.at(i);
    const isSame =
      kept.name === fn.name &&
      kept.offset === fn.offset &&
      kept.size === fn.size &&
      fn.sha256.startsWith(kept.sha256) &&
      equalBytes(kept.locator, foldLocator(fn.locator));
    return !isSame || (i % 10 === 0 && !isDeepStrictEqual(kept.sites, fn.sites));
  });
  expect(changed.map(({ name }) => name)).toEqual([]);
}

/** In every kernel: a table that is not found would show as sites that are not there. */
const KINDS = ["reloc32", "ftrace", "return_thunk", "alternative", "jump_label", "retpoline", "static_call"];
/** Functions of one kernel that may be refused: those with the only place of a constant that has no variable. */
const MOST_REFUSED = 4;

describe("distribution kernels", () => {
  it("are there to be tested", () => {
    expect(paths, "REBOOTLESS_KERNEL_IMAGES must name vmlinuz files, separated by colons").not.toEqual([]);
  });

  it.each(paths)("%s is read whole, and every function is fingerprinted", { timeout: 120_000 }, (path) => {
    const image = openKernelImage(new Uint8Array(readFileSync(path)));
    const { reloc32, reloc32neg, reloc64 } = image.relocations;
    const { places, refused, kinds, changedByJson } = survey(image);
    const known = KNOWN.get(image.buildId);
    if (known !== undefined) {
      expect({
        release: image.release,
        symbols: image.symbols.all.length,
        relocations: [reloc32.length, reloc32neg.length, reloc64.length],
        places,
      }).toEqual(known);
    }
    expect(path).toContain(image.release);
    expectFile(image);
    expect(refused.filter((kinds) => kinds !== "runtime_constant")).toEqual([]);
    expect(refused.length).toBeLessThanOrEqual(MOST_REFUSED);
    expect(changedByJson).toEqual([]);
    for (const kind of KINDS) expect(kinds.get(kind), kind).toBeGreaterThan(2_000);
    expect(kinds.get("return_thunk")).toBeGreaterThan(40_000);
    expect(kinds.get("ftrace")).toBeGreaterThan(30_000);
    const { returnThunkVariable, returnThunkDefault, patching } = landmarks(image);
    expect(returnThunkDefault).not.toBeNull();
    expect(returnThunkVariable).toBeGreaterThan(image.textEnd);
    for (const name of ["capabilities", "ftraceFunction"] as const) {
      expect(patching?.[name], name).toBeGreaterThan(image.textEnd);
    }
    // Since Linux 7.3, lock prefixes stay where they are.
    const locks = kinds.get("smp_lock") ?? 0;
    if (patching?.uniprocessor == null) expect(locks).toBe(0);
    else expect([locks > 2_000, patching.uniprocessor > image.textEnd]).toEqual([true, true]);
    expect(patching).not.toMatchObject({ paravirt: null });
    expect(patching).not.toMatchObject({ staticCalls: null });
    expect(patching?.retpolines?.itsPages.length).toBeGreaterThan(0);
  });
});
