import { describe, expect, it } from "vitest";
import type { FollowState } from "../../../publisher/follow/follow_state.ts";
import type { ItemState } from "../../../publisher/follow/item.ts";
import { decodeFollowState, encodeFollowState, shortReason } from "../../../publisher/follow/state_file.ts";
import { buildId, sha256Hex, updateId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { parseInstant } from "../../../shared/time.ts";

const SEEN = parseInstant("2026-12-01T00:00:00Z");
const draft = "made/fix/6.1.0-1-amd64_11111111/fix.json";
const STATES: readonly ItemState[] = [
  { kind: "seen" },
  { kind: "unchanged" },
  { kind: "already in" },
  { kind: "does not apply", reason: "fs/file.c: hunk 1" },
  { kind: "not built", reason: "no headers" },
  { kind: "refused", reason: "a layout" },
  { kind: "made", draft },
  { kind: "failed", step: "try", reason: "no QEMU", attempts: 2, draft },
  { kind: "failed", step: "create", reason: "out of memory", attempts: 1 },
  { kind: "tried ok", draft },
  { kind: "tried bad", draft, reason: "an oops" },
  { kind: "waiting", draft, request: "requests/6.1.0-1-amd64_11111111.json" },
  { kind: "pushed", draft },
  { kind: "superseded" },
];
const FIX = {
  id: updateId("fix"),
  origin: "patches:/incoming/fix.patch",
  kind: "patch",
  subject: "a fix",
  cves: ["CVE-2026-12345"],
  digest: sha256Hex("a".repeat(64)),
  seen: SEEN,
  supersedes: [],
  retired: false,
} as const;
const STATE: FollowState = {
  clones: [{ repository: "/srv/linux", branch: "linux-6.1.y", commit: "b".repeat(40) }],
  fixes: [FIX],
  items: STATES.map((state, index) => ({
    fix: FIX.id,
    kernel: buildId((index + 16).toString(16).repeat(20)),
    release: "6.1.0-1-amd64",
    state,
    seen: SEEN,
    untold: index % 2 === 0 ? [] : ["mail", "webhook"],
    ...(state.kind === "pushed" && { ready: SEEN, pushed: SEEN }),
  })),
};

const decode = (text: string): FollowState => decodeFollowState(utf8(text), "state.json");

describe("the file of a state", () => {
  it("is read as it was written", () => {
    expect(decode(encodeFollowState(STATE))).toEqual(STATE);
    expect(decode(encodeFollowState({ clones: [], fixes: [], items: [] }))).toEqual({
      clones: [],
      fixes: [],
      items: [],
    });
  });

  it("has a line for each fix and each item", () => {
    const lines = encodeFollowState(STATE).split("\n");
    expect(lines.filter((line) => line.includes('"release"'))).toHaveLength(STATES.length);
    expect(lines.filter((line) => line.includes('"origin"'))).toHaveLength(1);
  });

  it.each([
    ["another format", '"format": 1', '"format": 2'],
    ["an unknown state", '"kind":"superseded"', '"kind":"forgotten"'],
    ["a path that leads out of the folder", `"draft":"${draft}"`, '"draft":"made/../../../etc/passwd"'],
    ["an absolute path", `"draft":"${draft}"`, '"draft":"/etc/passwd"'],
    ["an item without a fix", '"id":"fix"', '"id":"other"'],
    ["a reason of several lines", '"reason":"a layout"', '"reason":"a\\nlayout"'],
    ["a time that is none", "2026-12-01T00:00:00Z", "2026-13-01T00:00:00Z"],
    ["attempts below one", '"attempts":2', '"attempts":0'],
    ["an unknown channel", '"mail"', '"pigeon"'],
  ])("refuses %s", (_, before, after) => {
    const text = encodeFollowState(STATE);
    expect(text).toContain(before);
    expect(() => decode(text.replace(before, after))).toThrow("state.json");
  });

  it("refuses two items of the same pair, and two fixes of the same ID", () => {
    const twice = { ...STATE, items: [...STATE.items, ...STATE.items.slice(0, 1)] };
    expect(() => decode(encodeFollowState(twice))).toThrow("a second item");
    expect(() => decode(encodeFollowState({ ...STATE, fixes: [FIX, FIX] }))).toThrow("the same ID");
  });

  it("takes any reason once it is shortened", () => {
    const reason = shortReason(`first\n\tsecond\u0000${"x".repeat(10_000)}`);
    const items = STATE.items.slice(0, 1).map((item) => ({
      ...item,
      state: { kind: "refused", reason } as const,
    }));
    expect(decode(encodeFollowState({ ...STATE, items })).items[0]?.state).toEqual({
      kind: "refused",
      reason,
    });
  });
});
