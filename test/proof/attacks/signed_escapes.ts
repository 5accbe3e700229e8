import assert from "node:assert/strict";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { manifestBytes } from "../../support/edge/repository.ts";
import type { Attack } from "./attack.ts";
import { ESCAPES, requirePlain } from "./plain_output.ts";
import { KERNEL, type Stage } from "./stage.ts";

/** What the format of a line of text has room for, and no terminal should be given: it hides, and breaks searches. */
const HIDDEN = "fi\u200bxes\ufeff \ue000";
const LOOKING = [["check"], ["show"], ["show", "fix"], ["status"], ["history"], ["config"], ["metrics"]];

/** A publisher whose key is good writes for the terminals of administrators in place of their eyes. */
export const signedEscapes: Attack = {
  name: "a signed summary and a signed word on a recall hold escapes for the administrator's terminal",
  async play(stage: Stage) {
    const signed = fromUtf8(manifestBytes(KERNEL, [sampleUpdate("fix", { recalled: "WHY" })]));
    const saying = (summary: string, why: string) =>
      utf8(signed.replace("Fixes what fix names", quoted(summary)).replace("WHY", quoted(why)));
    const hidden = await stage.feedFolder("hidden", KERNEL, { manifest: saying(HIDDEN, HIDDEN) });
    const host = await stage.host("host", `feed = "${hidden}"\n`);
    for (const command of LOOKING)
      for (const mode of [[], ["--json"]]) {
        const ended = await stage.rebootless([...host, ...command, ...mode]);
        assert.equal(ended.code, 0, ended.stderr);
        requirePlain(command.join(" "), ended);
      }
    for (const [n, manifest] of [saying(ESCAPES, "why"), saying("fixes", ESCAPES)].entries()) {
      const versions = { timestamp: 2 + n, snapshot: 2 + n, targets: 2 + n };
      const feed = await stage.feedFolder(`loud-${n}`, KERNEL, { manifest, versions });
      const ended = await stage.rebootless([...host, "--set", `feed=${feed}`, "check"]);
      assert.equal(ended.code, 4, `a text with escapes was taken: ${ended.stdout}${ended.stderr}`);
      requirePlain("check", ended);
    }
  },
};

/** As it stands between the quotes of a JSON string. */
const quoted = (text: string): string => JSON.stringify(text).slice(1, -1);
