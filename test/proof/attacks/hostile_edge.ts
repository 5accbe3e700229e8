import assert from "node:assert/strict";
import type { Attack } from "./attack.ts";
import { ESCAPES, requirePlain } from "./plain_output.ts";
import type { Stage } from "./stage.ts";

/** Whoever took the edge over answers a publisher with what takes over the publisher's terminal. */
export const hostileEdge: Attack = {
  name: "an edge that was taken over answers publishers with escapes for their terminals",
  async play(stage: Stage) {
    const feed = stage.path("feed");
    const made = await stage.publish(["init", feed, "--no-passphrase", "--keys", "1", "--threshold", "1"]);
    assert.equal(made.code, 0, made.stderr);
    const root = stage.path("feed", "root", "1.root.json");
    const body = JSON.stringify({ error: { code: ESCAPES, message: ESCAPES, hint: ESCAPES } });
    const edge = await stage.answering("HTTP/1.1 422 \u009b2J\u202e", body);
    for (const command of [
      ["root", "renew", feed, "--feed", edge, "--yes"],
      ["root", "status", feed, "--feed", edge],
      ["audit", feed, "--feed", edge],
      ["backup", stage.path("backup"), "--feed", edge, "--root", root],
    ])
      for (const mode of [[], ["--json"]]) {
        const ended = await stage.publish([...command, ...mode]);
        assert.notEqual(ended.code, 0, `${command.join(" ")}: ${ended.stdout}`);
        requirePlain(command.join(" "), ended);
      }
  },
};
