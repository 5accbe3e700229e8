import type { FollowedFix, FollowState } from "../../../publisher/follow/follow_state.ts";
import type { FollowItem } from "../../../publisher/follow/item.ts";
import { buildId, sha256Hex, updateId } from "../../../shared/brand.ts";
import { instant, MINUTE, parseInstant } from "../../../shared/time.ts";

export const AT = parseInstant("2026-12-01T02:00:00Z");
const SEEN = parseInstant("2026-12-01T00:00:00Z");
export const HOSTILE_REASON = "<img src=x>";

const fix = (name: string, digit: string): FollowedFix => ({
  id: updateId(name),
  origin: `patches:/${name}`,
  kind: "patch",
  subject: `mend ${name}`,
  cves: ["CVE-2026-12345"],
  digest: sha256Hex(digit.repeat(64)),
  seen: SEEN,
  supersedes: [],
  retired: false,
});

const item = (
  name: string,
  digit: string,
  more: Pick<FollowItem, "state"> & Partial<FollowItem>,
): FollowItem => ({
  fix: updateId(name),
  kernel: buildId(digit.repeat(40)),
  release: `6.1.0-${digit}-amd64`,
  seen: SEEN,
  untold: [],
  ...more,
});

const after = (minutes: number) => instant(SEEN + minutes * MINUTE);

/** A state with an update in force, one that waits, and one that failed. */
export const statusState = (): FollowState => ({
  clones: [],
  fixes: [fix("a", "a"), fix("b", "b")],
  items: [
    item("a", "1", {
      state: { kind: "pushed", draft: "made/a/1/a.json" },
      ready: after(10),
      pushed: after(11),
    }),
    item("a", "2", {
      state: { kind: "waiting", draft: "made/a/2/a.json", request: "requests/6.1.0-2-amd64_22222222.json" },
      ready: after(20),
    }),
    item("b", "1", { state: { kind: "failed", step: "create", reason: HOSTILE_REASON, attempts: 3 } }),
  ],
});
