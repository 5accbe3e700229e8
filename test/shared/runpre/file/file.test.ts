import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex, textOffset } from "../../../../shared/brand.ts";
import { concatBytes } from "../../../../shared/bytes.ts";
import { ParseError, RebootlessError } from "../../../../shared/errors.ts";
import { MAX_ALTERNATIVES, MAX_ALTERNATIVES_BYTES } from "../../../../shared/runpre/file/alternatives.ts";
import { openFingerprints } from "../../../../shared/runpre/file/decode.ts";
import { encodeFingerprints } from "../../../../shared/runpre/file/encode.ts";
import { MAX_FILE_FUNCTIONS } from "../../../../shared/runpre/file/function_index.ts";
import {
  isFingerprintFile,
  joinParts,
  MAX_FILE_BYTES,
  MAX_HEADER_BYTES,
  splitParts,
} from "../../../../shared/runpre/file/layout.ts";
import { MAX_VARIABLES } from "../../../../shared/runpre/file/variables.ts";
import type { FunctionFingerprint } from "../../../../shared/runpre/fingerprint.ts";
import { foldLocator } from "../../../../shared/runpre/locator.ts";
import { isPlainKind } from "../../../../shared/runpre/sites/site_kinds.ts";
import { FIRST_VERSION, SECOND_VERSION } from "./old_files.ts";
import { everySite, NO_LANDMARKS, sampleFunction, sampleFunctions, sampleHeader } from "./sample.ts";

const file = encodeFingerprints(sampleHeader, sampleFunctions);
const withRuns = encodeFingerprints(sampleHeader, sampleFunctions, (run) =>
  sha256Hex(String(run.length).repeat(64)),
);

/** What a file keeps of a function. */
const kept = (fn: FunctionFingerprint) => ({
  ...fn,
  sha256: fn.sha256.slice(0, 32),
  locator: foldLocator(fn.locator),
});

/** With what is read when it is asked for. */
const plain = ({ name, offset, size, sha256, locator, sites }: FunctionFingerprint) => ({
  name,
  offset,
  size,
  sha256,
  locator,
  sites,
});

const readAll = (bytes: Uint8Array): number => [...openFingerprints(bytes).functions()].map(plain).length;

function refusal(bytes: Uint8Array): unknown {
  try {
    readAll(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

function fail(): never {
  throw new Error("not a form");
}

describe("a fingerprint file", () => {
  it("says what it is", () => {
    expect(isFingerprintFile(file)).toBe(true);
    expect(isFingerprintFile(file.subarray(1))).toBe(false);
    expect(openFingerprints(file)).toMatchObject({ ...sampleHeader, count: sampleFunctions.length });
  });

  it("gives back every function with every kind of site", () => {
    expect([...openFingerprints(file).functions()].map(plain)).toEqual(sampleFunctions.map(kept));
    expect(new Set(everySite.map(({ kind }) => kind)).size).toBe(18);
  });

  it.each([
    ["first", FIRST_VERSION, sampleFunctions.filter(({ name }) => name !== "second")],
    ["second", SECOND_VERSION, sampleFunctions],
  ])("of the %s version is still read", (_, old, functions) => {
    const opened = openFingerprints(old);
    const written = functions.map((fn) => ({ ...kept(fn), sha256: "5".repeat(32) }));
    expect([...opened.functions()].map(plain)).toEqual(written);
    expect(opened).toMatchObject({ ...sampleHeader, count: functions.length, runs: null });
  });

  it("keeps the landmarks of kernels since 6.16", () => {
    const staticCalls = {
      returnZero: textOffset(0x100),
      return: null,
      reinitialised: true,
      inlined: [{ function: textOffset(0x200), code: new Uint8Array(5) }],
    };
    const patching = { ...NO_LANDMARKS, staticCalls };
    const newer = { ...sampleHeader, landmarks: { ...sampleHeader.landmarks, patching } };
    expect(openFingerprints(encodeFingerprints(newer, sampleFunctions)).landmarks).toEqual(newer.landmarks);
  });

  it("has a digest of each run, and shows its functions with their sites", () => {
    const { runs } = openFingerprints(withRuns);
    if (runs === null) throw new Error("no runs");
    const numbers = Array.from({ length: runs.count }, (_, run) => run);
    expect(numbers.map(runs.first)).toEqual([0, 3, 5]);
    expect(runs.first(runs.count)).toBe(sampleFunctions.length);
    expect(numbers.map((run) => [runs.offset(run), runs.length(run)])).toEqual([
      [0, 432],
      [0x1000, 0x1001],
      [0x3fff_ffff, 1],
    ]);
    expect(numbers.map(runs.digest)).toEqual(["3", "2", "1"].map((digit) => digit.repeat(32)));
    const shown: (number | string)[] = [];
    const show = runs.shownTo({
      ignored: "call",
      enter: (offset) => shown.push(offset),
      choose: (forms) => forms[1] ?? fail(),
      plain: ({ kind }, at) => shown.push(kind, at),
      structured: (site) => shown.push(site.kind === "alternative" ? site.forms.length : site.kind),
    });
    show(1);
    expect(shown).toEqual([0x1000, 0x1001, "return_thunk", 0xff0]);
    shown.length = 0;
    show(0);
    const sites = everySite.filter(({ kind }) => kind !== "call");
    const expected = sites.flatMap((site) =>
      site.kind === "alternative" ? 1 : isPlainKind(site.kind) ? [site.kind, site.at] : site.kind,
    );
    expect(shown).toEqual([0, 16, 32, ...expected]);
  });

  it("has a digest that functions share once", () => {
    const same = sampleFunctions.map((fn) => ({ ...fn, sha256: sampleFunction("", 0, 1).sha256 }));
    // A number in the index stands for 16 bytes.
    expect(file.length - encodeFingerprints(sampleHeader, same).length).toBe(15 * (same.length - 1));
    const opened = openFingerprints(encodeFingerprints(sampleHeader, same));
    expect([...opened.functions()].map(plain)).toEqual(same.map(kept));
  });

  it("gives any one function alone", () => {
    const opened = openFingerprints(file);
    expect(plain(opened.at(4))).toEqual(plain(openFingerprints(file).at(4)));
    expect(opened.at(2).name).toBe("second");
    expect(() => opened.at(sampleFunctions.length)).toThrow(RangeError);
  });

  it("may be empty", () => {
    expect(readAll(encodeFingerprints(sampleHeader, []))).toBe(0);
  });

  it("holds more functions than a call takes arguments", () => {
    const count = 200_000;
    const functions = Array.from({ length: count }, (_, i) => sampleFunction(`f${i}`, 16 * i, 16));
    const opened = openFingerprints(encodeFingerprints(sampleHeader, functions));
    expect(opened.count).toBe(count);
    expect(opened.at(count - 1)).toMatchObject({ name: `f${count - 1}`, offset: 16 * (count - 1) });
  });

  it("writes a repeated alternative once", () => {
    const sites = everySite.filter(({ kind }) => kind === "alternative");
    const functions = [sampleFunction("a", 0, 400, sites), sampleFunction("b", 400, 400, sites)];
    const [one, two] = [functions.slice(0, 1), functions].map((all) => encodeFingerprints(sampleHeader, all));
    // Index, name, digest, locator and the three bytes of the site.
    expect((two?.length ?? 0) - (one?.length ?? 0)).toBe(3 + 2 + 16 + 8 + 3);
  });

  it.each([
    ["functions that overlap", [sampleFunction("a", 0, 16), sampleFunction("b", 15, 16)]],
    ["a name of two lines", [sampleFunction("a\nb", 0, 16)]],
    ["a name of nothing", [sampleFunction("", 0, 16)]],
  ])("cannot say %s", (_, functions) => {
    expect(() => encodeFingerprints(sampleHeader, functions)).toThrow(ParseError);
  });
});

describe("a hostile fingerprint file", () => {
  it("is refused when it was cut anywhere, and when it goes on", () => {
    for (const whole of [file, withRuns, FIRST_VERSION, SECOND_VERSION]) {
      for (let length = 0; length < whole.length; length++) {
        expect(refusal(whole.subarray(0, length)), `${length} bytes`).toBeInstanceOf(ParseError);
      }
      expect(refusal(Uint8Array.of(...whole, 0))).toBeInstanceOf(ParseError);
    }
  });

  it("is refused for a version that is not known, with a hint", () => {
    const newer = file.slice();
    newer[8] = 4;
    expect(refusal(newer)).toMatchObject({ code: "unsupported", hint: expect.stringContaining("newer") });
  });

  it("is a value or a RebootlessError for any change of its bytes", () => {
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, (all) => {
        const changed = file.slice();
        for (const [at, byte] of all) changed[at] = byte;
        const error = refusal(changed);
        if (error !== undefined) expect(error).toBeInstanceOf(RebootlessError);
      }),
      { numRuns: 2000 },
    );
  });

  it("is a value or a RebootlessError for every byte changed to the worst", () => {
    for (let at = 0; at < file.length; at++) {
      for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
        const changed = file.slice();
        changed[at] = byte;
        const error = refusal(changed);
        if (error !== undefined) expect(error, `${byte} at ${at}`).toBeInstanceOf(RebootlessError);
      }
    }
  });

  it("is limited in what it makes a reader keep", () => {
    const { parts } = splitParts(file);
    const many = (length: number) => new Uint8Array(length);
    for (const hostile of [
      { variables: many(MAX_VARIABLES + 1) },
      { alternatives: many(MAX_ALTERNATIVES + 1) },
      { alternatives: many(MAX_ALTERNATIVES_BYTES + 1).fill(0x7f) },
      { names: many(MAX_FILE_BYTES) },
      { index: concatBytes([Uint8Array.of(0xc1, 0x84, 0x3d), many(MAX_FILE_FUNCTIONS)]) }, // one more
      { header: many(MAX_HEADER_BYTES + 1) },
    ]) {
      expect(refusal(joinParts({ ...parts, ...hostile }))).toMatchObject({ code: "limit" });
    }
  });

  it("has as many digests of runs as its functions have runs, or none", () => {
    const { parts } = splitParts(withRuns);
    const { runs } = parts;
    for (const wrong of [runs.subarray(16), runs.subarray(1), new Uint8Array(runs.length + 16)]) {
      expect(refusal(joinParts({ ...parts, runs: wrong }))).toBeInstanceOf(ParseError);
    }
    expect(openFingerprints(joinParts({ ...parts, runs: new Uint8Array() })).runs).toBeNull();
  });

  it("has every digest that its functions name", () => {
    const { parts } = splitParts(file);
    for (const digests of [parts.digests.subarray(16), new Uint8Array(parts.digests.length + 16)]) {
      expect(refusal(joinParts({ ...parts, digests }))).toBeInstanceOf(ParseError);
    }
    // The index of one function of 16 bytes, without sites, that has the digest of the one before it.
    expect(refusal(joinParts({ ...parts, index: Uint8Array.of(1, 32, 1, 1) }))).toBeInstanceOf(ParseError);
  });

  it("has one way to say that functions adjoin", () => {
    const { parts } = splitParts(encodeFingerprints(sampleHeader, [sampleFunction("a", 0, 16)]));
    expect(parts.index).toEqual(Uint8Array.of(1, 32, 0));
    expect(refusal(joinParts({ ...parts, index: Uint8Array.of(1, 33, 0, 0) }))).toBeInstanceOf(ParseError);
  });

  it("does not hold functions past what offsets reach", () => {
    const last = sampleFunction("last", 0x7fff_ffff, 1);
    expect(readAll(encodeFingerprints(sampleHeader, [last]))).toBe(1);
    expect(refusal(encodeFingerprints(sampleHeader, [{ ...last, size: 2 }]))).toBeInstanceOf(ParseError);
  });
});
