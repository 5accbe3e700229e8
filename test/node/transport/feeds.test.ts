import { describe, expect, it } from "vitest";
import type { Feed } from "../../../node/transport/feed.ts";
import { firstGood, joined } from "../../../node/transport/feeds.ts";
import { type ErrorCode, RebootlessError } from "../../../shared/errors.ts";

const feed = (url: string, get: Feed["get"]): Feed => ({ url, get, traffic: { requests: 1, bytes: 10 } });
const failing = (code: ErrorCode) =>
  feed(`${code}:`, async () => {
    throw new RebootlessError(code, code);
  });
const limits = { maxBytes: 10 };
const ok = { status: "ok", bytes: new Uint8Array(1), etag: undefined } as const;
const has = feed("has:", async () => ok);
const empty = feed("empty:", async () => ({ status: "not_found" }));

async function ask(...feeds: readonly Feed[]) {
  const passed: string[] = [];
  const result = await firstGood(
    feeds,
    (one) => one.get("a", limits),
    (why) => passed.push(why.code),
  ).then(
    (chosen) => chosen.feed.url,
    (error: RebootlessError) => error.code,
  );
  return { result, passed };
}

describe("feeds in order", () => {
  it("stop at the first that will do", async () => {
    expect(await ask(has, failing("trust"))).toEqual({ result: "has:", passed: [] });
  });

  it.each(["unreachable", "trust", "rollback", "expired", "not_covered"] as const)(
    "go past one that fails with %s, and say so",
    async (code) => {
      expect(await ask(failing(code), has)).toEqual({ result: "has:", passed: [code] });
    },
  );

  it.each(["locked", "io", "clock", "config"] as const)("do not go past %s", async (code) => {
    expect(await ask(failing(code), has)).toEqual({ result: code, passed: [] });
  });

  it("fail with the gravest where none will do", async () => {
    const unreachable = failing("unreachable");
    expect((await ask(unreachable, failing("trust"), failing("expired"))).result).toBe("trust");
    expect((await ask(failing("not_covered"), failing("expired"), unreachable)).result).toBe("expired");
    expect((await ask(unreachable, failing("not_covered"))).result).toBe("not_covered");
    expect((await ask(unreachable, unreachable)).result).toBe("unreachable");
  });
});

describe("several feeds as one", () => {
  const NOBODY = () => {
    throw new Error("nothing was to be passed over");
  };

  it("give a file that any of them has, the one that was polled first of all", async () => {
    const order: string[] = [];
    const watched = (name: string) =>
      feed(name, async () => {
        order.push(name);
        return { status: "not_found" };
      });
    const [a, b, c] = [watched("a"), watched("b"), watched("c")];
    expect(await joined(b, [a, b, c], NOBODY).get("x", limits)).toEqual({ status: "not_found" });
    expect(order).toEqual(["b", "a", "c"]);
    expect(await joined(a, [a, failing("unreachable"), has], NOBODY).get("x", limits)).toBe(ok);
  });

  it("are unreachable where none has the file and one is, and else without it", async () => {
    const down = failing("unreachable");
    const both = joined(empty, [empty, down], NOBODY);
    await expect(both.get("x", limits)).rejects.toMatchObject({ code: "unreachable" });
    expect(await joined(empty, [empty, empty], NOBODY).get("x", limits)).toEqual({ status: "not_found" });
  });

  it("go past one that has another file by that name, and say so", async () => {
    const damaged = { ...ok, bytes: new Uint8Array(2) };
    const other = feed("other:", async () => damaged);
    const accepts = (bytes: Uint8Array) => bytes.length === 1;
    const passed: string[] = [];
    const note = (why: RebootlessError) => void passed.push(`${why.code} ${why.message}`);
    expect(await joined(other, [other, has], note).get("x", { ...limits, accepts })).toBe(ok);
    expect(passed).toEqual(["trust other:x is not the file that was signed for"]);
    expect(await joined(other, [other, empty], note).get("x", { ...limits, accepts })).toBe(damaged);
    expect(await joined(other, [other], NOBODY).get("x", { ...limits, accepts })).toBe(damaged);
  });

  it("add up what they cost", () => {
    expect(joined(has, [has, empty], NOBODY).traffic).toEqual({ requests: 2, bytes: 20 });
  });
});
