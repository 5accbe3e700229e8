import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tar, tarEntry } from "../support/package_builder.ts";
import { kernelId, Site } from "./site.ts";

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
/** What a file may be called on a stick that somebody hands over. */
const NAMES = [
  "\u001b[2J\u009b1A",
  "a\rerror: not so",
  "b\nverified   everything",
  "\u202efdp.exe",
  "\u200b\ufeff",
];

let site: Site;
let mirror: string;
beforeAll(async () => {
  site = await Site.open();
  await site.publish(kernelId(1), { updates: ["fix-a"] });
  mirror = site.path("mirror");
  await site.json(0, "mirror", "sync", site.url, mirror, "--root", site.path("root.json"), "--all");
});
afterAll(() => site.close());

async function requirePlain(...args: readonly string[]) {
  for (const mode of [[], ["--json"]]) {
    const { stdout, stderr } = await site.run(...mode, ...args);
    for (const line of `${stdout}${stderr}`.split("\n"))
      expect(line, args.join(" ")).not.toMatch(UNPRINTABLE);
  }
}

describe("names that somebody else chose do nothing to a terminal", () => {
  it.each(NAMES.map((name) => [name]))("of files and folders in a mirror: %j", async (name) => {
    await writeFile(join(mirror, name), "x");
    await writeFile(join(mirror, "kernels", name), "x");
    await mkdir(join(mirror, "artifacts", name));
    await requirePlain("mirror", "verify", mirror);
    await requirePlain("mirror", "export", mirror, "-o", site.path(`out-${NAMES.indexOf(name)}.tar`));
  });

  it.each(NAMES.map((name) => [name]))("of files in a transfer, and of the transfer: %j", async (name) => {
    const file = join(site.dir, `x${name.replaceAll("/", "")}.tar`);
    const listed = JSON.stringify({ format: 1, kind: name, files: [[name, 1, name]] });
    await writeFile(
      file,
      tar(tarEntry("transfer.json", Buffer.from(listed)), tarEntry(name, Buffer.from("x"))),
    );
    await requirePlain("mirror", "import", file, mirror);
    await requirePlain("mirror", "import", site.path(`${name}.not-there`), mirror);
  });

  it("of a mirror's own list and state", async () => {
    const state = join(mirror, "mirror");
    for (const entry of await readdir(state)) {
      const path = join(state, entry);
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined) continue;
      await writeFile(path, `{"${NAMES.join("")}":`);
      await requirePlain("mirror", "verify", mirror);
      await requirePlain("mirror", "sync", site.url, mirror);
      await writeFile(path, bytes);
    }
    await rename(mirror, `${mirror}${NAMES[3]}`);
    await requirePlain("mirror", "verify", `${mirror}${NAMES[3]}`);
  });
});
