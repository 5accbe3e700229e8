import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { firstReading } from "../../../client/verify/first_reading.ts";
import type { FunctionSet } from "../../../client/verify/function_set.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { fingerprintWhole, kernelFile } from "../../../publisher/fingerprint/kernel_file.ts";
import { digestedCode } from "../../../publisher/fingerprint/kernel_function.ts";
import { type KernelImage, openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { address, textOffset } from "../../../shared/brand.ts";
import { functionChecker } from "../../../shared/runpre/check.ts";
import { type FingerprintFile, openFingerprints } from "../../../shared/runpre/file/decode.ts";
import { runChecker } from "../../../shared/runpre/file/run_checker.ts";
import type { TextMemory } from "../../../shared/runpre/fingerprint.ts";
import { KernelState } from "../../../shared/runpre/kernel_state.ts";
import { undoSite, writeExpected } from "../../../shared/runpre/sites/expected.ts";
import { type ComparedSite, isUndone } from "../../../shared/runpre/sites/site_kinds.ts";

/** How far KASLR moved the kernel. */
const MOVED = 0x1c0_0000n;
const [path] = (process.env["REBOOTLESS_KERNEL_IMAGES"] ?? "").split(":");

/** A distribution's kernel, its text brought into the state that its data as linked demands. */
function simulate(image: KernelImage, file: FingerprintFile) {
  const bytes = new Uint8Array(image.textEnd);
  const memory: TextMemory = {
    text: address(image.linkedText + MOVED),
    read: (offset, length) =>
      offset < bytes.length ? bytes.slice(offset, offset + length) : dataOf(image, offset, length),
  };
  const kernel = new KernelState(file.landmarks, memory);
  const back = new KernelState(file.landmarks, { ...memory, text: address(image.linkedText - MOVED) });
  const functions = [...file.functions()];
  for (const { offset, size, sites } of functions) {
    bytes.set(digestedCode(image, { start: offset, end: textOffset(offset + size) }, sites), offset);
  }
  for (const { offset, sites } of functions) {
    for (const site of sites) {
      const place = offset + site.at;
      // To undo a move the other way is to move.
      if (isUndone(site)) undoSite(back, site, bytes, place);
      else writeExpected(kernel, site as ComparedSite, place, bytes, place);
    }
  }
  return { bytes, memory };
}

/** Data as linked; zeros where the image has none. */
function dataOf(image: KernelImage, offset: number, length: number): Uint8Array {
  try {
    return new Uint8Array(image.read(textOffset(offset), length));
  } catch {
    return new Uint8Array(length);
  }
}

/** Numbers that look random and are the same in each run of the tests. */
function* randoms(seed: number): Generator<number> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

describe("the first reading of a distribution's kernel", () => {
  let file: FingerprintFile;
  let bytes: Uint8Array;
  let memory: TextMemory;
  let whole: FunctionSet;
  let single: FunctionSet;
  beforeAll(() => {
    const image = openKernelImage(new Uint8Array(readFileSync(path ?? "")));
    file = openFingerprints(kernelFile(image, fingerprintWhole(image)));
    ({ bytes, memory } = simulate(image, file));
    whole = file;
    single = { ...file, runs: null };
  });
  const read = (set: FunctionSet) =>
    firstReading(set, memory).different.map(({ fn, result }) => ({
      name: fn.name,
      offset: fn.offset,
      result,
    }));

  it("finds nothing where all is right, by runs and by functions", { timeout: 120_000 }, () => {
    expect(file.runs?.count).toBeGreaterThan(500);
    expect(read(single)).toEqual([]);
    expect(read(whole)).toEqual([]);
    expect(firstReading(whole, memory).bytes).toBe(firstReading(single, memory).bytes);
  });

  it("finds the same by runs and by functions, wherever bits flip", { timeout: 300_000 }, () => {
    const random = randoms(17);
    const next = (below: number): number => (random.next().value ?? 0) % below;
    const functions = Array.from({ length: 400 }, () => file.at(next(file.count)));
    for (const ofSites of [true, false]) {
      const changes = functions.flatMap(({ offset, size, sites }): readonly (readonly [number, number])[] => {
        const site = ofSites ? sites[next(Math.max(1, sites.length))] : undefined;
        const at = offset + (site === undefined ? next(size) : site.at);
        return [[at, 1 << next(8)]];
      });
      for (const [at, bit] of changes) bytes[at] = (bytes[at] ?? 0) ^ bit;
      const found = read(single);
      expect(found.length).toBeGreaterThan(300);
      expect(read(whole)).toEqual(found);
      for (const [at, bit] of changes) bytes[at] = (bytes[at] ?? 0) ^ bit;
    }
    expect(read(whole)).toEqual([]);
  });

  it("finds every byte of a run that changes", { timeout: 300_000 }, () => {
    const { runs } = file;
    if (runs === null) throw new Error("the file has no runs");
    const check = runChecker(runs, file.landmarks, memory, sha256Of);
    const ofFunction = functionChecker(file.landmarks, memory, sha256Of);
    const run = Math.floor(runs.count / 2);
    const start = runs.offset(run);
    const code = bytes.slice(start, start + runs.length(run));
    expect(check(run, code.slice())).toBe(true);
    for (let i = runs.first(run); i < runs.first(run + 1); i++) {
      const fn = file.at(i);
      for (let at = fn.offset; at < fn.offset + fn.size; at++) {
        const right = bytes[at] ?? 0;
        bytes[at] = right ^ 0x40;
        const found = [ofFunction(fn).result, check(run, bytes.slice(start, start + code.length))];
        expect(found, `${fn.name}+${at - fn.offset}`).toEqual(["mismatch", false]);
        bytes[at] = right;
      }
    }
  });
});
