import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ParseError } from "../../shared/errors.ts";
import {
  coarseDuration,
  DAY,
  formatInstant,
  HOUR,
  instant,
  MINUTE,
  parseInstant,
  SECOND,
  systemClock,
} from "../../shared/time.ts";

describe("times (TUF specification 4.2.1)", () => {
  it.each([
    ["1985-10-21T01:21:00Z", Date.UTC(1985, 9, 21, 1, 21)],
    ["2028-02-29T23:59:59Z", Date.UTC(2028, 1, 29, 23, 59, 59)],
    ["1970-01-01T00:00:00Z", 0],
    ["9999-12-31T23:59:59Z", Date.UTC(9999, 11, 31, 23, 59, 59)],
  ])("%s", (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
    expect(formatInstant(parseInstant(text))).toBe(text);
  });

  it.each([
    "2027-02-29T00:00:00Z",
    "2027-04-31T00:00:00Z",
    "2027-13-01T00:00:00Z",
    "2027-00-01T00:00:00Z",
    "2027-01-00T00:00:00Z",
    "2027-01-01T24:00:00Z",
    "2027-01-01T23:60:00Z",
    "2027-01-01T23:59:60Z",
    "2027-01-01T23:59:59z",
    "2027-01-01t23:59:59Z",
    "2027-01-01 23:59:59Z",
    "2027-01-01T23:59:59",
    "2027-01-01T23:59:59.0Z",
    "2027-01-01T23:59:59+00:00",
    "2027-1-1T23:59:59Z",
    "02027-01-01T23:59:59Z",
    "-2027-01-01T23:59:59Z",
    "٢٠٢٧-01-01T23:59:59Z",
    "2027-01-01T23:59:59Z\n",
    "",
    "tomorrow",
  ])("%j is not one", (text) => {
    expect(() => parseInstant(text)).toThrow(ParseError);
  });

  it("come back from text to the second", () => {
    const times = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(times, (time) => {
        expect(parseInstant(formatInstant(instant(time)))).toBe(time - (time % SECOND));
      }),
    );
  });

  it("of the system are now", () => {
    const before = Date.now();
    expect(systemClock()).toBeGreaterThanOrEqual(before);
    expect(systemClock()).toBeLessThanOrEqual(Date.now());
  });
});

describe("how long something took, for people", () => {
  it.each([
    [0, "0s"],
    [119 * SECOND, "119s"],
    [3 * HOUR + 17 * MINUTE + 12 * SECOND, "3h"],
    [47 * HOUR, "47h"],
    [2 * DAY + 23 * HOUR, "2d"],
  ])("%d ms: %s", (milliseconds, text) => {
    expect(coarseDuration(milliseconds)).toBe(text);
  });
});
