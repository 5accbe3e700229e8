import assert from "node:assert/strict";
import { keyFromSeed } from "../../../publisher/keys/key_file.ts";
import { buildId } from "../../../shared/brand.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import { signedRoot } from "../../support/memory_feed.ts";
import type { Attack } from "./attack.ts";
import { KERNEL, type Stage } from "./stage.ts";

const OTHER = buildId("bb".repeat(20));

/** Keys were stolen, and the root of trust replaced them; the thief waits until the host boots another kernel. */
export const forgottenRotation: Attack = {
  name: "stolen keys that a root rotation revoked sign a feed for the next kernel that the host boots",
  async play(stage: Stage) {
    const seed = (n: number) => keyFromSeed(new Uint8Array(32).fill(n));
    const { made } = stage;
    const keys = {
      root: made.keys.root,
      targets: [await seed(33), await seed(34)],
      snapshot: [await seed(35)],
      timestamp: [await seed(36)],
    };
    const rotated = signedRoot(made, 2, instant(systemClock() + 400 * DAY), keys);
    const honest = await stage.feedFolder("honest", KERNEL, { keys, roots: [rotated] });
    const stolen = await stage.feedFolder("stolen", OTHER);
    const host = await stage.host("host", `feed = ["${honest}"]\n`);
    const first = await stage.rebootless([...host, "check"]);
    assert.equal(first.code, 0, first.stderr);
    const second = await stage.rebootless([...host, "--set", `feed=${stolen}`, "check"], { kernel: OTHER });
    assert.equal(second.code, 4, `revoked keys were believed: ${second.stdout}${second.stderr}`);
  },
};
