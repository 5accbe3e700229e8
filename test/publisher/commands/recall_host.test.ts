import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { KERNEL, Stage } from "../../proof/attacks/stage.ts";
import { manifestBytes, someBuildId, updateOf } from "../../support/edge/repository.ts";

const MODULE = utf8("\u007fELF a module");

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

/** The publisher's built program; returns what it says, which has to be success. */
async function publish(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await stage.publish(args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("error:")]);
  return stdout;
}

describe("a host of a feed whose update was found to be bad", () => {
  it("is told so by check, of several kernels its own, and of the recall taken back", async () => {
    const dir = stage.path("feed");
    await publish("init", dir, "--no-passphrase");
    const vars = parseEnv(await readFile(join(dir, "edge.vars"), "utf8")) as Record<string, string>;
    const { url } = await stage.serve(vars);
    const module = await stage.write("module.ko", MODULE);
    const updates = [await updateOf("bad", MODULE), await updateOf("good", MODULE)];
    for (const id of [KERNEL, someBuildId(), someBuildId()]) {
      await stage.write(join("drafts", `${id}.json`), manifestBytes(id, updates));
    }
    await publish("push", dir, stage.path("drafts"), "--module", module, "--feed", url);
    const places = await stage.host("host", `feed = "${url}"\n`);
    await stage.write("host/etc/root.json", await readFile(join(dir, "root", "1.root.json")));
    const check = async () => (await stage.rebootless([...places, "check"])).stdout;
    expect(await check()).not.toContain("oopses");

    const said = await publish("recall", dir, "bad", "--reason", "it oopses", "--feed", url, "--yes");
    expect(said).toMatch(/kernels {4}3 of 3 that were read/);
    expect(said).toMatch(/published {2}3 kernels/);
    const shown = await check();
    expect(shown).toMatch(/bad\b.*recalled: it oopses/);
    expect(shown).not.toMatch(/good\b.*recalled/);

    await publish("unrecall", dir, "bad", "--feed", url, "--yes");
    expect(await check()).not.toContain("oopses");
  });
});
