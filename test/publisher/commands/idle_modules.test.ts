import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeModule } from "../../../publisher/create/module/write_module.ts";
import { objectName } from "../../../shared/brand.ts";
import { buildKernelElf } from "../../support/kernel_builder.ts";
import { KERNEL_6_1, returnZero } from "../create/module/hand_made.ts";
import { smallModule } from "../module/small_modules.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";

let dir: string;
const at = (name: string): string => join(dir, name);
const update = ["--id", "one", "--summary", "mends it"];
const drafting = (module: string): Promise<Awaited<ReturnType<typeof cli>>> =>
  cli(["draft", ...update, "--image", at("vmlinux"), "--module", at(module), "-o", at("draft.json")]);
const inspecting = (module: string) => cli(["--json", "inspect", at(module), "--image", at("vmlinux")]);

/** What `create` would write for a function of an object. */
const made = (release: string, object: string, fn: string, position = 0): Uint8Array =>
  writeModule({
    name: objectName("lp_idle"),
    kernel: { ...KERNEL_6_1, vermagic: `${release} SMP ` },
    units: [returnZero(object, fn, position)],
    hooks: [],
    replace: false,
  });

const OURS = "6.1.0-test";
const MODULES: Readonly<Record<string, Uint8Array>> = {
  "fit.ko": made(OURS, "vmlinux", "fn_branching"),
  "other_release.ko": made("6.1.9-test", "vmlinux", "fn_branching"),
  "local_version.ko": made("6.1.0-other", "vmlinux", "fn_branching"),
  "plus.ko": made(`${OURS}+`, "vmlinux", "fn_branching"),
  "position.ko": made(OURS, "vmlinux", "fn_branching", 2),
  "no_function.ko": made(OURS, "vmlinux", "fn_inlined"),
  "absent.ko": made(OURS, "dm_mod", "dm_open"),
  "built_in.ko": made(OURS, "dm_mod", "fn_branching"),
  "file_name.ko": smallModule({ objectText: "dm_mod.ko" }),
};

const REFUSED = [
  ["other_release.ko", "was built for 6.1.9-test, but the image is 6.1.0-test\n", "exactly this kernel"],
  ["local_version.ko", 'local version is not ("-other" and "-test")', "exactly this kernel"],
  ["plus.ko", 'local version is not ("-test+" and "-test")', "make LOCALVERSION="],
  ["position.ko", "no symbol fn_branching at position 2", "There are 1."],
  ["no_function.ko", "no symbol fn_inlined", "inlined or renamed"],
  ["absent.ko", "would do nothing in its object dm_mod: there is no module", "Give --modules with dm_mod.ko"],
  [
    "built_in.ko",
    "would do nothing in its object dm_mod: there is no module",
    "belongs to the object vmlinux",
  ],
  ["file_name.ko", 'would do nothing in its object "dm_mod.ko"', "Name the object dm_mod."],
] as const;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-idle-"));
  await writeFile(at("vmlinux"), buildKernelElf());
  for (const [name, bytes] of Object.entries(MODULES)) await writeFile(at(name), bytes);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("a module that would do nothing", () => {
  it.each(REFUSED)("is refused by draft, with the reason and a hint: %s", async (module, words, hint) => {
    const { code, stderr } = await drafting(module);
    expect(code).not.toBe(0);
    expect(stderr).toContain(words);
    expect(stderr.slice(stderr.indexOf("hint: "))).toContain(hint);
    expect(await readdir(dir)).not.toContain("draft.json");
  });

  it.each(REFUSED)("has the same said by inspect, after what can be told: %s", async (module, words) => {
    const { code, stderr, ...outcome } = await inspecting(module);
    expect(code).toBe((await drafting(module)).code);
    expect(stderr).toContain(words);
    expect(jsonOf({ code, stderr, ...outcome })).toMatchObject({
      kind: "livepatch module",
      made_by: module === "file_name.ko" ? "not known" : "rebootless-publish create",
      exports: expect.arrayContaining([expect.stringMatching(/^klp_enable_patch/)]),
      error: { hint: expect.any(String) },
    });
  });
});

describe("a module that fits", () => {
  it("is drafted, and inspect says who made it", async () => {
    const drafted = await drafting("fit.ko");
    expect([drafted.code, drafted.stderr]).toEqual([0, ""]);
    const { stdout } = await mustCli(["inspect", at("fit.ko")]);
    expect(stdout).toMatch(/^made_by +rebootless-publish create$/m);
  });
});
