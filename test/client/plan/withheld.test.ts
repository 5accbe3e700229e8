import { describe, expect, it } from "vitest";
import type { Hold } from "../../../client/plan/holds.ts";
import { type Policy, withheldUpdates } from "../../../client/plan/withheld.ts";
import { updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { DAY, HOUR, instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";

const START = instant(Date.UTC(2026, 0, 1));
const plus = (milliseconds: number) => instant(START + milliseconds);
const OPEN: Policy = { holds: [], delayMs: 0, cutOff: null, pin: null, bucket: () => 0.5 };
const FIX = updateId("fix-1");
const fix = sampleUpdate("fix-1");
const ramp = { ...fix, rollout: { start: START, hours: 48 } };
const hold = (what: string, reason: string | null = null): Hold => ({ what, reason, since: START });

const why = (policy: Partial<Policy>, update: Update = fix, now = START, asked: readonly string[] = []) =>
  withheldUpdates({ ...OPEN, ...policy }, [update], now, new Set(asked.map(updateId))).get(update.id);

describe("what policy keeps back", () => {
  it("is nothing where nothing was decided", () => {
    expect(why({})).toBeUndefined();
  });

  it("is an update that is held, by its id or by a CVE that it fixes, with the reason", () => {
    expect(why({ holds: [hold("fix-1", "breaks the tape robot")] })).toEqual({
      id: FIX,
      reason: "held",
      until: null,
      detail: "held since 2026-01-01T00:00:00Z: breaks the tape robot",
    });
    expect(why({ holds: [hold("CVE-2026-12345")] })?.detail).toContain("held by CVE-2026-12345 since");
    expect(why({ holds: [hold("fix-2"), hold("CVE-2026-12346")] })).toBeUndefined();
  });

  it("is what was published a shorter time ago than the delay", () => {
    expect(why({ delayMs: 3 * DAY }, fix, plus(3 * DAY - 1))).toMatchObject({
      reason: "delayed",
      until: plus(3 * DAY),
    });
    expect(why({ delayMs: 3 * DAY }, fix, plus(3 * DAY))).toBeUndefined();
  });

  it("is what was published after the cut-off, for good", () => {
    expect(why({ cutOff: plus(-1) })).toMatchObject({ reason: "cut_off", until: null });
    expect(why({ cutOff: START })).toBeUndefined();
  });

  it("is everything but what is pinned", () => {
    expect(why({ pin: [] })).toMatchObject({ reason: "pinned", until: null });
    expect(why({ pin: [FIX] })).toBeUndefined();
  });

  it("is what the roll-out has not brought to this host's bucket", () => {
    expect(why({}, ramp, plus(24 * HOUR - 1))).toMatchObject({ reason: "rollout", until: plus(24 * HOUR) });
    expect(why({}, ramp, plus(24 * HOUR))).toBeUndefined();
    expect(why({ bucket: () => 0 }, ramp, START)).toBeUndefined();
  });

  it("is nobody's before the roll-out starts", () => {
    const later = { ...fix, rollout: { start: plus(DAY), hours: 0 } };
    expect(why({ bucket: () => 0 }, later)).toMatchObject({ reason: "rollout", until: plus(DAY) });
  });

  it("names the later of delay and roll-out", () => {
    expect(why({ delayMs: 2 * HOUR }, ramp)).toMatchObject({ reason: "rollout", until: plus(24 * HOUR) });
    expect(why({ delayMs: 2 * DAY }, ramp)).toMatchObject({ reason: "delayed", until: plus(2 * DAY) });
    expect(why({ delayMs: 2 * DAY }, ramp, plus(25 * HOUR))).toMatchObject({ reason: "delayed" });
  });

  it("is not what somebody asks for by its id, unless it is held or not pinned", () => {
    const strict = { delayMs: DAY, cutOff: plus(-1) };
    expect(why(strict, ramp, START, ["fix-1"])).toBeUndefined();
    expect(why(strict, ramp, START, ["fix-2"])).toMatchObject({ reason: "cut_off" });
    expect(why({ holds: [hold("fix-1")] }, ramp, START, ["fix-1"])).toMatchObject({ reason: "held" });
    expect(why({ pin: [] }, ramp, START, ["fix-1"])).toMatchObject({ reason: "pinned" });
  });

  it("lets what is asked for have what it depends on, however far", () => {
    const chain = [
      sampleUpdate("a"),
      sampleUpdate("b", { depends: ["a"] }),
      sampleUpdate("c", { depends: ["b", "gone"] }),
      sampleUpdate("d"),
    ];
    const withheld = withheldUpdates({ ...OPEN, delayMs: DAY }, chain, START, new Set([updateId("c")]));
    expect([...withheld.keys()]).toEqual(["d"]);
  });
});
