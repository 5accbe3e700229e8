import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textOffset } from "../../../../shared/brand.ts";
import { ParseError, RebootlessError } from "../../../../shared/errors.ts";
import { MAX_ALTERNATIVES, MAX_ALTERNATIVES_BYTES } from "../../../../shared/runpre/file/alternatives.ts";
import { openFingerprints } from "../../../../shared/runpre/file/decode.ts";
import { encodeFingerprints } from "../../../../shared/runpre/file/encode.ts";
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
import { everySite, NO_LANDMARKS, sampleFunction, sampleFunctions, sampleHeader } from "./sample.ts";

const file = encodeFingerprints(sampleHeader, sampleFunctions);

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

  it("is of the second version only where older readers would compare wrongly", () => {
    const version = (header: typeof sampleHeader, functions: readonly FunctionFingerprint[]) =>
      encodeFingerprints(header, functions)[8];
    const old = sampleFunctions.filter(({ name }) => name !== "second");
    expect(version(sampleHeader, old)).toBe(1);
    expect(version(sampleHeader, sampleFunctions)).toBe(2);
    const staticCalls = {
      returnZero: textOffset(0x100),
      return: null,
      reinitialised: true,
      inlined: [{ function: textOffset(0x200), code: new Uint8Array(5) }],
    };
    const patching = { ...NO_LANDMARKS, staticCalls };
    const newer = { ...sampleHeader, landmarks: { ...sampleHeader.landmarks, patching } };
    expect(version(newer, old)).toBe(2);
    expect(openFingerprints(encodeFingerprints(newer, old)).landmarks).toEqual(newer.landmarks);
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
    expect((two?.length ?? 0) - (one?.length ?? 0)).toBe(4 + 2 + 16 + 8 + 3);
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
    for (let length = 0; length < file.length; length++) {
      expect(refusal(file.subarray(0, length)), `${length} bytes`).toBeInstanceOf(ParseError);
    }
    expect(refusal(Uint8Array.of(...file, 0))).toBeInstanceOf(ParseError);
  });

  it("is refused for a version that is not known, with a hint", () => {
    const newer = file.slice();
    newer[8] = 3;
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
    const parts = splitParts(file);
    const many = (length: number) => new Uint8Array(length);
    for (const hostile of [
      { variables: many(MAX_VARIABLES + 1) },
      { alternatives: many(MAX_ALTERNATIVES + 1) },
      { alternatives: many(MAX_ALTERNATIVES_BYTES + 1).fill(0x7f) },
      { names: many(MAX_FILE_BYTES) },
      { header: many(MAX_HEADER_BYTES + 1) },
    ]) {
      expect(refusal(joinParts({ ...parts, ...hostile }, 1))).toMatchObject({ code: "limit" });
    }
  });

  it("does not hold functions past what offsets reach", () => {
    const last = sampleFunction("last", 0x7fff_ffff, 1);
    expect(readAll(encodeFingerprints(sampleHeader, [last]))).toBe(1);
    expect(refusal(encodeFingerprints(sampleHeader, [{ ...last, size: 2 }]))).toBeInstanceOf(ParseError);
  });
});
