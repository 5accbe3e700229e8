import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { SmallHost } from "./small_host.ts";

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
});
afterEach(() => host.remove());

const one = (changes: Partial<Update> = {}): Update => ({ ...sampleUpdate("fix-1"), ...changes });
const another = (changes: Partial<Update> = {}): Update => ({ ...sampleUpdate("fix-2"), ...changes });

async function hostWith(...updates: readonly Update[]): Promise<void> {
  await host.configure(`feed = "${await host.serveFeed(await host.feedJson(...updates))}"\n`);
  await host.run("check");
}

function load({ module, objects }: Update): void {
  const functions = objects.flatMap((o) => o.functions.map((fn) => `${o.name}/${fn.name},1`));
  host.system.patches.set(module.name, { enabled: true, left: 0, functions });
}

describe("upgrade of an update that is named, and not applied in the end", () => {
  it.each<[string, readonly Update[], () => unknown, RegExp]>([
    [
      "held",
      [one()],
      () => host.run("hold", "fix-1", "--reason", "no"),
      /is not applied: held since .*: no$/m,
    ],
    ["recalled", [one({ recalled: "it leaks" })], () => undefined, /is not applied: recalled: it leaks$/m],
    [
      "superseded by one that is applied",
      [one(), another({ supersedes: [updateId("fix-1")] })],
      () => load(another()),
      /is not applied: fix-2 supersedes it$/m,
    ],
    [
      "in conflict with one that is applied",
      [one({ conflicts: [updateId("fix-2")] }), another()],
      () => load(another()),
      /is not applied: it conflicts with fix-2, which is applied$/m,
    ],
    [
      "without what it needs",
      [one({ depends: [updateId("fix-2")] }), another({ recalled: "it leaks" })],
      () => undefined,
      /is not applied: it needs fix-2, which is not applied$/m,
    ],
  ])("ends with 18 where it is %s, and says why; so does a dry run", async (_, updates, prepare, why) => {
    await hostWith(...updates);
    await prepare();
    for (const more of [[], ["--dry-run"]]) {
      const { code, stderr } = await host.run("upgrade", "fix-1", ...more);
      expect(code).toBe(18);
      expect(stderr).toMatch(why);
      expect(stderr).toContain("hint: `rebootless show fix-1` shows all about it.");
    }
    expect(await host.run("upgrade")).toMatchObject({ code: 0 });
  });

  it("has every reason and every result for programs", async () => {
    await hostWith(one({ recalled: "it leaks" }), another({ recalled: "it crashes" }));
    const { code, stdout } = await host.run("upgrade", "fix-1", "fix-2", "--json");
    expect(code).toBe(18);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: "left_out",
        message: "fix-1 is not applied: recalled: it leaks; fix-2 is not applied: recalled: it crashes",
      },
      results: [
        { id: "fix-1", result: "left_out", code: "recalled" },
        { id: "fix-2", result: "left_out", code: "recalled" },
      ],
    });
  });

  it("ends with 18 where a dry run says that it would be taken out", async () => {
    await hostWith(one({ recalled: "it leaks" }));
    load(one());
    const run = await host.run("--set", "recall=undo", "upgrade", "fix-1", "--dry-run");
    expect(run).toMatchObject({ code: 18, stderr: expect.stringContaining("not applied: it was recalled") });
  });

  it("ends with 11 where others that were named are applied", async () => {
    await hostWith(one({ recalled: "it leaks" }), another());
    load(another());
    const { code, stderr } = await host.run("upgrade", "fix-1", "fix-2");
    expect(code).toBe(11);
    expect(stderr).toContain("error: fix-1 is not applied: recalled: it leaks\n");
  });
});

describe("upgrade of an update that is named", () => {
  it("ends with 0 where it is applied already", async () => {
    await hostWith(one(), another({ recalled: "it leaks" }));
    load(one());
    expect(await host.run("upgrade", "fix-1")).toMatchObject({ code: 0, stderr: "" });
  });

  it("does not answer for what was not named", async () => {
    await hostWith(one({ recalled: "it leaks" }));
    expect(await host.run("upgrade")).toMatchObject({ code: 0 });
  });
});
