import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeModule } from "../../../publisher/create/module/write_module.ts";
import { openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { objectName } from "../../../shared/brand.ts";
import { decodeManifest } from "../../../shared/feed/manifest.ts";
import { instant } from "../../../shared/time.ts";
import { BANNER, BUILD_ID, buildKernelElf } from "../../support/kernel_builder.ts";
import { deb, tar, tarEntry } from "../../support/package_builder.ts";
import { KERNEL_6_1, returnZero } from "../create/module/hand_made.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";

let dir: string;
const at = (name: string): string => join(dir, name);
const about = (id: string): readonly string[] => [
  "--image",
  at("vmlinux"),
  "--id",
  id,
  "--summary",
  `mends ${id}`,
];
const updates = async () => decodeManifest(new Uint8Array(await readFile(at("draft.json")))).updates;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-add-"));
  const elf = buildKernelElf();
  const vermagic = `${openKernelImage(elf).release} SMP modversions `;
  await writeFile(at("vmlinux"), elf);
  for (const [name, release] of [
    ["first", vermagic],
    ["second", vermagic],
    ["foreign", "9.9.9 SMP "],
  ] as const) {
    const kernel = { ...KERNEL_6_1, vermagic: release };
    const units = [returnZero("vmlinux", "fn_branching")];
    await writeFile(
      at(`${name}.ko`),
      writeModule({ name: objectName(name), kernel, units, hooks: [], replace: false }),
    );
  }
  await mustCli(["draft", ...about("one"), "--module", at("first.ko"), "-o", at("draft.json")]);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("a draft that is there already", () => {
  it("is replaced only where that is said", async () => {
    const args = ["draft", ...about("one"), "--module", at("first.ko"), "-o", at("mine.json")];
    await writeFile(at("mine.json"), "edited by hand");
    const { code, stderr } = await cli(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining("mine.json is there already")]);
    expect(await readFile(at("mine.json"), "utf8")).toBe("edited by hand");
    await mustCli([...args, "--force"]);
    expect(await readFile(at("mine.json"), "utf8")).toContain('"one"');
  });
});

describe("SOURCE_DATE_EPOCH", () => {
  const made = async (name: string, sourceDate: string, now: number) => {
    const person = { sourceDate, clock: () => instant(now) };
    const rollout = ["--rollout", "48"];
    await mustCli(["draft", ...about("one"), ...rollout, "--module", at("first.ko"), "-o", at(name)], person);
    await mustCli(["add", at(name), at("second.ko"), ...about("two")], person);
    return readFile(at(name), "utf8");
  };

  it("is the time of a draft and of what is added to it, so that both are made again byte for byte", async () => {
    const first = await made("dated-1.json", "1700000000", Date.UTC(2030, 1, 1));
    expect(await made("dated-2.json", "1700000000", Date.UTC(2031, 2, 3))).toBe(first);
    expect(first.match(/2023-11-14T22:13:20Z/g)).toHaveLength(3);
    expect(await made("dated-3.json", "1700000001", Date.UTC(2030, 1, 1))).not.toBe(first);
  });

  it.each(["", "-1", "1.5", "0x10", "now", "99999999999"])("of %j makes no draft", async (sourceDate) => {
    const args = ["draft", ...about("one"), "--module", at("first.ko"), "-o", at("never.json")];
    const outcome = await cli(args, { sourceDate });
    expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringContaining("SOURCE_DATE_EPOCH")]);
    expect(await readdir(dir)).not.toContain("never.json");
  });
});

describe("the distribution of a draft", () => {
  const OF_DEBIAN =
    "Linux version 6.1.0-test (debian-kernel@lists.debian.org) (gcc-12) #1 SMP Debian 6.1.192-2 (2026-11-20)";
  const kernelOf = async (...more: readonly string[]) => {
    const args = [
      "--id",
      "one",
      "--summary",
      "mends one",
      "--module",
      at("first.ko"),
      "-o",
      at("of.json"),
      "--force",
    ];
    await mustCli(["draft", ...args, ...more]);
    return decodeManifest(new Uint8Array(await readFile(at("of.json")))).kernel;
  };
  beforeAll(async () => {
    const elf = Buffer.from(buildKernelElf());
    elf.write(`${OF_DEBIAN}\n\0`, elf.indexOf(BANNER));
    await writeFile(at("debian"), elf);
    const data = tar(tarEntry("./boot/vmlinuz-6.1.0-test", elf));
    await writeFile(at("linux-image.deb"), deb("data.tar", data));
  });

  it.each(["debian", "linux-image.deb"])(
    "is what the banner in %s says, and inspect shows it",
    async (name) => {
      expect(await kernelOf("--image", at(name))).toMatchObject({
        distribution: "Debian 12",
        banner: OF_DEBIAN,
      });
      expect(jsonOf(await mustCli(["--json", "inspect", at(name)]))).toMatchObject({
        distribution: "Debian 12",
      });
    },
  );

  it("is what a person says, where one says it", async () => {
    const kernel = await kernelOf("--image", at("debian"), "--distribution", "Debian 12, ours");
    expect(kernel.distribution).toBe("Debian 12, ours");
  });

  it("is left out where the banner does not say", async () => {
    expect(await kernelOf("--image", at("vmlinux"))).not.toHaveProperty("distribution");
  });

  it("stays as somebody wrote it into the draft when an update is added", async () => {
    await kernelOf("--image", at("debian"));
    const edited = (await readFile(at("of.json"), "utf8")).replace('"Debian 12"', '"Debian bookworm"');
    await writeFile(at("of.json"), edited);
    const args = ["--image", at("debian"), "--id", "two", "--summary", "mends two"];
    await mustCli(["add", at("of.json"), at("second.ko"), ...args]);
    expect(await readFile(at("of.json"), "utf8")).toContain('"Debian bookworm"');
  });
});

describe("add", () => {
  it("puts a further update into a draft, and leaves what was edited", async () => {
    const edited = (await readFile(at("draft.json"), "utf8")).replace("mends one", "mends it all");
    await writeFile(at("draft.json"), edited);
    const outcome = await cli([
      "--json",
      "add",
      at("draft.json"),
      at("second.ko"),
      ...about("two"),
      "--depends",
      "one",
    ]);
    expect(jsonOf(outcome)).toMatchObject({ build_id: BUILD_ID, id: "two", module: "second", updates: 2 });
    expect(await updates()).toMatchObject([
      { id: "one", summary: "mends it all" },
      { id: "two", depends: ["one"], objects: [{ functions: [{ name: "fn_branching" }] }] },
    ]);
  });

  it.each([
    ["an id that is there", "first.ko", ["one"], 2, "already has an update one"],
    ["a module's name that is there", "first.ko", ["three"], 1, "two modules of one name"],
    ["a module of another kernel", "foreign.ko", ["three"], 2, "was built for 9.9.9"],
  ] as const)("is refused with %s, and leaves the draft as it was", async (_, module, [id], code, words) => {
    const before = await readFile(at("draft.json"), "utf8");
    const outcome = await cli(["add", at("draft.json"), at(module), ...about(id)]);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(words)]);
    expect(await readFile(at("draft.json"), "utf8")).toBe(before);
    expect((await readdir(dir)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("says what is wrong with a draft that was edited", async () => {
    const text = await readFile(at("draft.json"), "utf8");
    for (const [from, to, words] of [
      ['"mends two"', "7", "updates[1].summary: expected a string"],
      ['"depends":["one"]', '"depends":["two"]', "two"],
      ['{"', "{", "is not a draft"],
    ] as const) {
      expect(text).toContain(from);
      await writeFile(at("edited.json"), text.replace(from, to));
      const outcome = await cli(["add", at("edited.json"), at("second.ko"), ...about("three")]);
      expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining(words)]);
    }
  });
});

describe("inspect", () => {
  it("says what a live patch replaces and needs, and with the image what must be in memory", async () => {
    const outcome = await cli(["--json", "inspect", at("first.ko"), "--image", at("vmlinux")]);
    expect(jsonOf(outcome)).toMatchObject({
      kind: "livepatch module",
      name: "first",
      replaces: ["vmlinux/fn_branching"],
      callbacks: [],
      signature: "none",
      exports: ["__x86_return_thunk 0x5b8239ca", "klp_enable_patch 0x79b3c37e"],
      livepatch_symbols: [],
      fingerprints: [expect.stringMatching(/^vmlinux\/fn_branching \d+ bytes [0-9a-f]{64}$/)],
    });
    const text = await mustCli(["inspect", at("first.ko")]);
    expect(text).toMatchObject({
      stdout: expect.stringMatching(/^exports +__x86_return_thunk 0x5b8239ca$/m),
    });
  });

  it.each([
    [["vmlinux", "--image", "vmlinux"], 2, "--image is only for modules"],
    [["foreign.ko", "--image", "vmlinux"], 2, "was built for 9.9.9"],
  ] as const)("is refused for %j", async (args, code, words) => {
    const outcome = await cli(["inspect", ...args.map((word) => (word.startsWith("-") ? word : at(word)))]);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(words)]);
  });
});
