import { describe, expect, it } from "vitest";
import { expiryFault, expiryInWords, parseExpiry } from "../../../publisher/keys/expiry.ts";
import { DAY, formatInstant, instant } from "../../../shared/time.ts";

const now = instant(Date.UTC(2026, 0, 31, 12, 0, 0, 500));

describe("an expiry in words", () => {
  it.each([
    ["in 90 days", "2026-05-01T12:00:00Z"],
    ["in 1 day", "2026-02-01T12:00:00Z"],
    ["in 6 weeks", "2026-03-14T12:00:00Z"],
    ["in 12 hours", "2026-02-01T00:00:00Z"],
    ["in 1 month", "2026-02-28T12:00:00Z"],
    ["in 1 year", "2027-01-31T12:00:00Z"],
    ["2027-06-01", "2027-06-01T00:00:00Z"],
    ["2027-06-01T10:00:00Z", "2027-06-01T10:00:00Z"],
    ["2027-06-01T10:00:00+02:00", "2027-06-01T08:00:00Z"],
  ])("%s is %s", (words, expected) => {
    expect(formatInstant(parseExpiry(words, now))).toBe(expected);
  });

  it("of a leap day is the month's last in other years", () => {
    const leap = instant(Date.UTC(2028, 1, 29));
    expect(formatInstant(parseExpiry("in 1 year", leap))).toBe("2029-02-28T00:00:00Z");
  });

  it.each([
    "90 days",
    "in days",
    "in -1 days",
    "in 1.5 days",
    "in 99999 days",
    "next year",
    "2027-02-30",
    "2027-13-01",
    "2027-01-01 00:00:00Z",
    "2027-01-01T00:00:00",
    "2027-01-01T00:00:00+99:99",
    "",
  ])("%s is none", (words) => {
    expect(() => parseExpiry(words, now)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("an expiry that nobody can have meant", () => {
  it.each([
    [-1, /past/],
    [60_000, /within the hour/],
    [6 * 365 * DAY, /more than five years/],
  ])("%d ms ahead is named", (ahead, fault) => {
    expect(expiryFault(instant(now + ahead), now)).toMatch(fault);
  });

  it("a year is none of them", () => {
    expect(expiryFault(instant(now + 365 * DAY), now)).toBeUndefined();
  });
});

it("a date is said in days, too", () => {
  expect(expiryInWords(instant(now + 90 * DAY), now)).toBe("2026-05-01T12:00:00Z, in 90 days");
  expect(expiryInWords(instant(now - 3 * DAY), now)).toBe("2026-01-28T12:00:00Z, expired 3 days ago");
  expect(expiryInWords(instant(now + 1000), now)).toContain("in less than a day");
});
