import { describe, expect, it } from "vitest";
import { rangeOf } from "../../../shared/http/range.ts";

const ETAG = '"abc"';
const of = (range: string | undefined, length = 100, ifRange?: string) =>
  rangeOf(range, ifRange, ETAG, length);
const part = (start: number, end: number) => ({ kind: "part", start, end });

describe("a Range header", () => {
  it.each([
    ["bytes=0-9", part(0, 10)],
    ["bytes=90-", part(90, 100)],
    ["bytes=-5", part(95, 100)],
    ["bytes=-500", part(0, 100)],
    ["bytes=99-999999", part(99, 100)],
    ["BYTES= 0-0 ", part(0, 1)],
  ])("%s is a part", (header, expected) => {
    expect(of(header)).toEqual(expected);
  });

  it.each(["bytes=100-", "bytes=100-200", "bytes=-0"])("%s cannot be satisfied", (header) => {
    expect(of(header)).toEqual({ kind: "unsatisfiable" });
  });

  it.each([
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=5-2",
    "bytes=0-1,3-4",
    "lines=1-2",
    "bytes=0x1-2",
    "bytes=--1",
    `bytes=0-${"9".repeat(400)}`,
  ])("%j is ignored", (header) => {
    expect(of(header)).toEqual({ kind: "whole" });
  });

  it("has nothing to give of an empty file", () => {
    expect(of("bytes=0-", 0)).toEqual({ kind: "unsatisfiable" });
    expect(of("bytes=-1", 0)).toEqual({ kind: "unsatisfiable" });
  });

  it("counts only for who has the same bytes", () => {
    expect(of("bytes=0-9", 100, ETAG)).toEqual(part(0, 10));
    for (const other of [`W/${ETAG}`, '"abd"', "Tue, 15 Nov 1994 12:45:26 GMT", ""]) {
      expect(of("bytes=0-9", 100, other)).toEqual({ kind: "whole" });
    }
  });
});
