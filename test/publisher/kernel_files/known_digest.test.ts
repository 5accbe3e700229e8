import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { knownDigest } from "../../../publisher/kernel_files/known_digest.ts";
import { utf8 } from "../../../shared/bytes.ts";

describe("a digest that is known", () => {
  let folder = "";
  let path = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-digest-"));
    path = join(folder, "file");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const kept = (): string => {
    const [name = ""] = readdirSync(join(folder, "digests"));
    return join(folder, "digests", name);
  };

  it("is not kept of a file that has changed just now", async () => {
    writeFileSync(path, "one");
    expect(await knownDigest(path, folder)).toBe(sha256Of(utf8("one")));
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  it("is kept of a file that has not changed, and computed again once it has", {
    timeout: 30_000,
  }, async () => {
    writeFileSync(path, "one");
    await sleep(3100);
    const one = await knownDigest(path, folder);
    // What is kept is believed, so another digest there shows that it was read.
    writeFileSync(kept(), readFileSync(kept(), "utf8").replace(one, "f".repeat(64)));
    expect(await knownDigest(path, folder)).toBe("f".repeat(64));
    // The same size and time of change, as a copy may have them.
    writeFileSync(join(folder, "other"), "two");
    utimesSync(join(folder, "other"), 1, 1);
    utimesSync(path, 1, 1);
    renameSync(join(folder, "other"), path);
    expect(await knownDigest(path, folder)).toBe(sha256Of(utf8("two")));
  });

  it("is computed again if what was kept is damaged", { timeout: 30_000 }, async () => {
    writeFileSync(path, "one");
    await sleep(3100);
    const one = await knownDigest(path, folder);
    writeFileSync(kept(), "damaged");
    expect(await knownDigest(path, folder)).toBe(one);
  });
});
