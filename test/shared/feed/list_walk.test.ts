import { describe, expect, it } from "vitest";
import { buildId } from "../../../shared/brand.ts";
import { MAX_LISTED, type Page, walkList } from "../../../shared/feed/list_walk.ts";
import { MINUTE } from "../../../shared/time.ts";

const line = (n: number, version = 1) => ({
  buildId: buildId(n.toString(16).padStart(40, "0")),
  release: "6.1",
  distribution: null,
  version,
});
const page = (
  kernels: readonly ReturnType<typeof line>[],
  next: string,
  more: boolean,
  bytes = 100,
): Page => ({
  listing: { kernels, next, more },
  bytes,
});
const still = () => 0;

describe("a list of changes", () => {
  it("is gone through to its end, and names a kernel as it was listed last", async () => {
    const pages = [page([line(1), line(2)], "a", true), page([line(1, 2)], "b", false)];
    const asked: (string | undefined)[] = [];
    const walked = await walkList(
      async (since) => {
        asked.push(since);
        return pages.shift();
      },
      "from",
      still,
    );
    expect(asked).toEqual(["from", "a"]);
    expect(walked).toEqual({ kernels: [line(1, 2), line(2)], next: "b", broken: undefined });
  });

  it("may end with a page that names nothing", async () => {
    expect(await walkList(async () => page([], "a", false), undefined, still)).toMatchObject({ next: "a" });
  });

  it.each<[string, (n: number) => Page | undefined, RegExp]>([
    ["comes back to where it began", () => page([line(1)], "from", true), /circle/],
    ["gives the same cursor for ever", () => page([line(1)], "same", true), /circle/],
    ["goes round", (n) => page([line(1)], `c${n % 7}`, true), /circle/],
    ["names no kernel", (n) => page([], `c${n}`, true), /names no kernel/],
    ["has too many pages", (n) => page([line(1)], `c${n}`, true), /more than 1001 pages/],
    [
      "names too many kernels",
      (n) =>
        page(
          Array.from({ length: 200 }, (_, i) => line(n * 200 + i)),
          `c${n}`,
          true,
        ),
      new RegExp(`more than ${MAX_LISTED} kernels`),
    ],
    ["is too large", (n) => page([line(1)], `c${n}`, true, 1024 * 1024), /bytes/],
    ["breaks off", (n) => (n === 2 ? undefined : page([line(1)], `c${n}`, true)), /breaks off/],
  ])("that %s is broken off, with what it named", async (_, answer, why) => {
    let n = 0;
    const walked = await walkList(async () => answer(n++), "from", still);
    expect(walked).toMatchObject({ next: undefined, broken: expect.stringMatching(why) });
    expect(n).toBeLessThanOrEqual(1001);
  });

  it("that takes too long is broken off", async () => {
    let now = 0;
    const slow = async () => {
      now += MINUTE;
      return page([line(1)], `c${now}`, true);
    };
    const walked = await walkList(slow, undefined, () => now);
    expect(walked).toMatchObject({ kernels: [line(1)], broken: expect.stringContaining("10 minutes") });
    expect(now).toBe(11 * MINUTE);
  });
});
