import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeBundle } from "../../../shared/feed/bundle.ts";
import { DAY, systemClock } from "../../../shared/time.ts";
import { signedBundle } from "../../support/memory_feed.ts";
import type { Attack } from "./attack.ts";
import { KERNEL } from "./stage.ts";

/** With a clock that is back, metadata that has expired passes for fresh. A feed without an ETag left no mark of the time. */
export const clockSetBack: Attack = {
  name: "a clock is set back by 25 days after a poll of a feed that gives no ETag",
  async play(stage) {
    const bytes = encodeBundle(await signedBundle(stage.made, KERNEL, systemClock()));
    const server = createServer((_, response) => response.end(bytes)).listen(0, "127.0.0.1");
    stage.defer(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const host = await stage.host("host", `feed = ["http://127.0.0.1:${port}/"]\n`);
    const first = await stage.rebootless([...host, "check"], { aheadMs: 25 * DAY });
    assert.equal(first.code, 0, first.stderr);
    const second = await stage.rebootless([...host, "check"]);
    assert.equal(second.code, 14, second.stdout + second.stderr);
    assert.match(second.stderr, /hint: .*`rm \S+latest_time`/);
  },
};
