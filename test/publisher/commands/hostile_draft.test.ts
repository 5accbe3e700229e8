import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { parseJson } from "../../../shared/json.ts";
import { alteredBytes, sampleManifest, sampleUpdate } from "../../shared/feed/sample.ts";
import { cli, mustCli } from "./cli.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-hostile-draft-"));
  await mustCli(["init", join(dir, "feed"), "--no-passphrase", "--keys", "1", "--threshold", "1"]);
});
afterAll(() => rm(dir, { recursive: true }));

describe("a draft with text that is none", () => {
  const draft = parseJson(encodeManifest(sampleManifest(sampleUpdate("fix-1"))), "draft", 10_000);

  it.each<[string, readonly (string | number)[], string, string]>([
    [
      "a summary that moves the cursor",
      ["updates", 0, "summary"],
      "a\u001b[2J",
      "updates[0].summary: U+001B",
    ],
    ["a summary in two lines", ["updates", 0, "summary"], "a\nb", "updates[0].summary: U+000A"],
    [
      "a word on a recall that reorders",
      ["updates", 0, "recalled"],
      "a\u202eb",
      "updates[0].recalled: U+202E",
    ],
    ["a release that rings", ["kernel", "release"], "6.1\u0007", "kernel.release: not a kernel's release"],
    [
      "a distribution with a C1 control",
      ["kernel", "distribution"],
      "\u009bA",
      "kernel.distribution: U+009B",
    ],
  ])("%s is not signed, and the error names field and character", async (_, place, text, message) => {
    const file = join(dir, "draft.json");
    await writeFile(file, alteredBytes(draft, place, text));
    const done = await cli(["push", join(dir, "feed"), file, "--feed", "http://127.0.0.1:1/", "--yes"]);
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain(`manifest.${message}`);
    expect(done.stderr.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  });
});
