import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeBundle } from "../../../shared/feed/bundle.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import { signedBundle } from "../../support/memory_feed.ts";
import type { Attack } from "./attack.ts";
import { KERNEL, type Stage } from "./stage.ts";

/** A feed whose list of changes says for ever that there is more: what the mirror has must be renewed all the same. */
export const endlessList: Attack = {
  name: "a list of changes that never ends keeps a mirror from renewing what it has",
  async play(stage: Stage) {
    const now = systemClock();
    const until = (days: number) => ({ timestamp: instant(now + days * DAY) });
    const versions = { timestamp: 1, snapshot: 1, targets: 1 };
    let bundle = await signedBundle(stage.made, KERNEL, now, { versions, expires: until(2) });
    let pages = 0;
    const line = { build_id: KERNEL, release: "6.1.0-test", distribution: null, version: 1 };
    const server = createServer((request, response) => {
      if (request.url?.startsWith("/kernels/changes")) {
        const next = `c${pages++ % 50}`;
        return void response.end(JSON.stringify({ schema: 1, kernels: [line], next, more: true }));
      }
      const isFeed = request.url === `/${feedPath(KERNEL)}`;
      response.writeHead(isFeed ? 200 : 404).end(isFeed ? encodeBundle(bundle) : "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stage.defer(() => server.closeAllConnections());
    stage.defer(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const root = await stage.write("root.json", stage.made.root);
    const sync = () =>
      stage.rebootless(["--json", "mirror", "sync", url, stage.path("mirror"), "--root", root, "--all"]);
    const first = await sync();
    assert.equal(first.code, 20, first.stdout + first.stderr);
    bundle = await signedBundle(stage.made, KERNEL, now, {
      versions: { ...versions, timestamp: 2 },
      expires: until(30),
    });
    const second = await sync();
    assert.equal(second.code, 20, second.stdout + second.stderr);
    const { taken, renewed } = JSON.parse(second.stdout) as { taken: unknown[]; renewed: number };
    assert.equal(taken.length + renewed, 1, `nothing was renewed: ${second.stdout}`);
    assert.ok(pages < 1000, `${pages} pages were asked for`);
  },
};
