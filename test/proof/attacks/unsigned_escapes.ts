import assert from "node:assert/strict";
import type { Attack } from "./attack.ts";
import { ESCAPES, requirePlain } from "./plain_output.ts";
import type { Stage } from "./stage.ts";

/** What an error quotes of bytes that nobody signed: a name, a value, a status, an address. */
const BODIES = [
  `{"${ESCAPES}":`,
  `{"\u009b\u202e":1,"\u009b\u202e":2}`,
  `{"format":"\u009b2J\u202e"}`,
  ESCAPES,
];

/** Whoever sits on the way to a feed writes to the terminal through the errors that quote him. */
export const unsignedEscapes: Attack = {
  name: "bytes that nobody signed reach the terminal through the errors that quote them",
  async play(stage: Stage) {
    const root = await stage.write("root.json", stage.made.root);
    for (const [n, body] of BODIES.entries()) {
      const words = ["OK \u009b2J\u202e", "No \u009b2J\u202e"][n % 2];
      const feed = await stage.answering(`HTTP/1.1 ${200 + 300 * (n % 2)} ${words}`, body);
      const host = await stage.host(`host-${n}`, `feed = "${feed}"\n`);
      const mirror = stage.path(`mirror-${n}`);
      for (const command of [
        ["check"],
        ["doctor"],
        ["check", "--json"],
        ["mirror", "sync", feed, mirror, "--root", root, "--all"],
      ]) {
        const ended = await stage.rebootless([...host, ...command]);
        assert.notEqual(ended.code, 0, `${command.join(" ")} took ${JSON.stringify(body)}`);
        requirePlain(command.join(" "), ended);
      }
    }
    const host = await stage.host("host", "");
    requirePlain("verify", await stage.rebootless([...host, "verify", `./${ESCAPES.replaceAll("\0", "")}`]));
    requirePlain("an option", await stage.rebootless([...host, `--${ESCAPES.replaceAll("\0", "")}`]));
  },
};
