import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { journalFile, journalPath } from "../../../client/journal/file.ts";
import { openJournal } from "../../../client/journal/journal.ts";
import { bootId } from "../../../client/journal/record.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { intent, outcome } from "../journal/sample.ts";
import { ID, SmallHost } from "./small_host.ts";

/** A second implementation that takes no signature at all. */
const verify = vi.hoisted(() => vi.fn(() => false));
vi.mock("tweetnacl", () => ({ default: { sign: { detached: { verify } } } }));

let host: SmallHost;
beforeEach(async () => {
  verify.mockClear();
  host = await SmallHost.make();
  await host.configure(`feed = "${await host.serveFeed(await host.feedJson(sampleUpdate("fix")))}"\n`);
});
afterEach(() => host.remove());

const refusal = {
  error: {
    code: "trust",
    message: expect.stringContaining("OpenSSL and tweetnacl disagree"),
    hint: expect.any(String),
  },
};

describe("where the second implementation disagrees", () => {
  it("a poll goes on: nothing slows it down", async () => {
    expect(await host.run("check")).toMatchObject({ code: 0 });
    expect(await host.run("check")).toMatchObject({ code: 0 });
    expect(verify).not.toHaveBeenCalled();
  });

  it("upgrade loads nothing", async () => {
    const { code, stdout } = await host.run("upgrade", "--json");
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject(refusal);
    expect(host.system.ran).toEqual([]);
  });

  it("upgrade loads nothing of what is stored", async () => {
    await host.run("check");
    for (const more of [[], ["--offline"]]) {
      const { code, stdout } = await host.run("upgrade", "--json", ...more);
      expect(code).toBe(4);
      expect(JSON.parse(stdout)).toMatchObject(refusal);
    }
    expect(host.system.ran).toEqual([]);
  });

  it("boot loads nothing", async () => {
    await host.run("check");
    const boot = bootId("11111111-2222-4333-8444-555555555555");
    const file = journalFile(journalPath(host.places.stateDir, ID));
    const journal = await openJournal({ file, boot, clock: () => host.now, notice: () => undefined });
    for (const event of [intent("apply", "fix"), outcome("apply", "fix")]) await journal.write(event);
    const { code, stdout } = await host.run("boot", "--json");
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject(refusal);
    expect(host.system.ran).toEqual([]);
  });
});
