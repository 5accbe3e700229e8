import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../../../shared/brand.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { type Contents, readTransfer, writeTransfer } from "../../support/transfer.ts";
import type { Attack } from "./attack.ts";
import { KERNEL, type Stage } from "./stage.ts";

/** What a courier may have done to a transfer, each signature in it untouched. */
const CHANGES: readonly ((contents: Contents) => Contents)[] = [
  ({ transfer, files }) => ({ transfer: { ...transfer, result: sha256Hex("0".repeat(64)) }, files }),
  ({ transfer, files }) => ({ transfer: { ...transfer, kernels: [KERNEL, KERNEL] }, files }),
  ({ transfer, files }) => ({ transfer: { ...transfer, kernels: [] }, files }),
  ({ transfer, files }) => ({ transfer: { ...transfer, renewed: 1 }, files }),
];

export const falseTransfer: Attack = {
  name: "a transfer states another result than it has, counts a kernel twice, or hides one among its files",
  async play(stage: Stage) {
    const mirror = await stage.mirror("mirror");
    const good = stage.path("good.tar");
    const exported = await stage.rebootless(["mirror", "export", mirror.folder, "-o", good]);
    assert.equal(exported.code, 0, exported.stderr);
    const root = await stage.write("root.json", stage.made.root);
    const take = (file: string, folder: string) =>
      stage.rebootless(["mirror", "import", file, folder, "--root", root]);
    for (const [i, change] of CHANGES.entries()) {
      const [file, folder] = [stage.path(`changed-${i}.tar`), stage.path(`inside-${i}`)];
      await writeTransfer(file, change(await readTransfer(good)));
      const taken = await take(file, folder);
      assert.equal(taken.code, 4, `change ${i} was taken: ${taken.stdout}${taken.stderr}`);
      assert.ok(!existsSync(join(folder, feedPath(KERNEL))), `change ${i} was put in place`);
    }
    const taken = await take(good, stage.path("inside"));
    assert.equal(taken.code, 0, taken.stderr);
  },
};
