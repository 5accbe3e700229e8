import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { updateId } from "../../../shared/brand.ts";
import { bucketOf, reachedAt } from "../../../shared/feed/rollout.ts";
import { HOUR, instant } from "../../../shared/time.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const hosts = Array.from({ length: 4000 }, (_, n) => n.toString(16).padStart(32, "0"));

describe("the bucket of a host", () => {
  it("is what printf, sha256sum and bc make of the formula", () => {
    // printf '%s %s' 0123456789abcdef0123456789abcdef fix-1 | sha256sum: 00720f16…
    const bucket = bucketOf("0123456789abcdef0123456789abcdef", updateId("fix-1"), sha256);
    expect(bucket).toBe(0x00720f16 / 2 ** 32);
  });

  it("spreads hosts evenly, and each update in another order", () => {
    const of = (id: string) => hosts.map((host) => bucketOf(host, updateId(id), sha256));
    const [one, other] = [of("fix-1"), of("fix-2")];
    for (const tenth of Array.from({ length: 10 }, (_, i) => i / 10)) {
      const share = one.filter((bucket) => bucket >= tenth && bucket < tenth + 0.1).length / hosts.length;
      expect(share).toBeGreaterThan(0.08);
      expect(share).toBeLessThan(0.12);
    }
    const earlyInBoth = one.filter((bucket, i) => bucket < 0.1 && (other[i] ?? 1) < 0.1).length;
    expect(earlyInBoth / hosts.length).toBeLessThan(0.03);
  });
});

describe("a roll-out", () => {
  it("reaches the first host at its start, the last at its end, and nobody before an earlier one", () => {
    const rollout = { start: instant(1_000_000), hours: 48 };
    expect(reachedAt(rollout, 0)).toBe(1_000_000);
    expect(reachedAt(rollout, 1)).toBe(1_000_000 + 48 * HOUR);
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, (a, b) => {
        expect(reachedAt(rollout, Math.min(a, b))).toBeLessThanOrEqual(reachedAt(rollout, Math.max(a, b)));
      }),
    );
  });
});
