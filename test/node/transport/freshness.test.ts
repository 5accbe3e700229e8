import { describe, expect, it } from "vitest";
import { atAcceptedTime, saneTime, staleness } from "../../../node/transport/freshness.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { DAY, HOUR, type Instant, instant, MINUTE } from "../../../shared/time.ts";

const NOW = instant(Date.UTC(2027, 0, 1));
const clock = (time: number) => () => instant(time);

const latest = (time: number) => ({ at: instant(time), file: "/var/lib/rebootless/trust/latest_time" });

describe("the clock", () => {
  it("is believed when it can be right", () => {
    expect(saneTime(clock(NOW), undefined)).toBe(NOW);
    expect(saneTime(clock(NOW), latest(NOW - 400 * DAY))).toBe(NOW);
    expect(saneTime(clock(NOW), latest(NOW + HOUR))).toBe(NOW);
  });

  it.each([
    ["before this program", 0, undefined],
    ["far before the last time that something verified", NOW, latest(NOW + 2 * DAY)],
  ])("is not believed %s", (_why, time, lastSeen) => {
    expect(() => saneTime(clock(time), lastSeen)).toThrow(expect.objectContaining({ code: "clock" }));
  });
});

describe("the way out for a host whose clock was ahead once", () => {
  it("is said in words: which file to remove, and when", () => {
    const hint = expect.stringMatching(
      /clock is right now and was ahead then.*`rm \/var\/lib\/rebootless\/trust\/latest_time`/,
    );
    expect(() => saneTime(clock(NOW), latest(NOW + 2 * DAY))).toThrow(expect.objectContaining({ hint }));
  });

  it("is not offered where the clock is before this program, which no file makes right", () => {
    const hint = expect.not.stringContaining("rm ");
    expect(() => saneTime(clock(0), latest(NOW))).toThrow(expect.objectContaining({ hint }));
  });
});

describe("stale metadata", () => {
  const expired = new RebootlessError("expired", "timestamp expired");
  /** Good until a day before NOW. */
  const judge = async (now: Instant): Promise<string> => {
    if (now >= NOW - DAY) throw expired;
    return "verified";
  };
  const freshness = (acceptStaleMs: number) => {
    const said: string[] = [];
    return { said, freshness: { now: NOW, acceptStaleMs, notice: (line: string) => said.push(line) } };
  };

  it("is refused unless the administrator chose otherwise", async () => {
    const { said, freshness: strict } = freshness(0);
    await expect(atAcceptedTime(strict, judge)).rejects.toBe(expired);
    expect(said).toEqual([]);
  });

  it("is taken within the bound, and said", async () => {
    const { said, freshness: lenient } = freshness(2 * DAY);
    expect(await atAcceptedTime(lenient, judge)).toBe("verified");
    expect(said).toEqual([expect.stringContaining("timestamp expired")]);
  });

  it("is refused past the bound", async () => {
    const { said, freshness: lenient } = freshness(DAY);
    await expect(atAcceptedTime(lenient, judge)).rejects.toBe(expired);
    expect(said).toEqual([]);
  });

  it("never excuses what does not verify", async () => {
    const forged = new RebootlessError("trust", "forged");
    const { freshness: lenient } = freshness(2 * DAY);
    await expect(atAcceptedTime(lenient, () => Promise.reject(forged))).rejects.toBe(forged);
  });
});

describe("how long stale metadata may be accepted", () => {
  it.each([
    ["90m", 90 * MINUTE],
    ["36h", 36 * HOUR],
    ["14d", 14 * DAY],
    ["90d", 90 * DAY],
  ])("%s", (text, milliseconds) => {
    expect(staleness(text)).toBe(milliseconds);
  });

  it.each(["", "0d", "91d", "forever", "-1d", "1y", "1.5h", "999999d"])("is not %j", (text) => {
    expect(() => staleness(text)).toThrow(expect.objectContaining({ code: "config" }));
  });
});
