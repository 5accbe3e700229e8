import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { feedPath } from "../../../shared/feed/paths.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import type { Attack } from "./attack.ts";
import { KERNEL } from "./stage.ts";

const WEEK = 7 * DAY;

/** Whoever answers for the feed says that there is nothing for this kernel, in the hope that nobody asks why. */
export const withheldFeed: Attack = {
  name: "a feed answers 404 for ever, to a host that it had updates for",
  async play(stage) {
    const expires = { timestamp: instant(systemClock() + WEEK) };
    const folder = await stage.feedFolder("feed", KERNEL, { expires });
    const host = await stage.host("host", `feed = ["${folder}"]\n`);
    assert.equal((await stage.rebootless([...host, "check"])).code, 0);
    await rm(stage.path("feed", feedPath(KERNEL)));
    const soon = await stage.rebootless([...host, "check"], { aheadMs: DAY });
    assert.equal(soon.code, 5, soon.stderr);
    const late = await stage.rebootless([...host, "check"], { aheadMs: WEEK + DAY });
    assert.equal(late.code, 8, late.stderr);
  },
};
