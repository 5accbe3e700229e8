import { describe, expect, it } from "vitest";
import { hasExpired } from "../../mirror/verified_kernel.ts";
import { DAY, instant } from "../../shared/time.ts";
import { TOP_ROLES } from "../../shared/tuf/schema.ts";

const end = instant(Date.UTC(2036, 5, 1));
const later = { expires: instant(end + DAY) };
const sound = { root: later, timestamp: later, snapshot: later, targets: later };

describe("what verified", () => {
  it.each(TOP_ROLES)("has expired when %s alone has, from that instant on", (role) => {
    const first = { ...sound, [role]: { expires: end } };
    expect(hasExpired(first, instant(end - 1))).toBe(false);
    expect(hasExpired(first, end)).toBe(true);
    expect(hasExpired(sound, end)).toBe(false);
  });
});
