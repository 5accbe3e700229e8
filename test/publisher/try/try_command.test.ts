import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { decodeTried } from "../../../publisher/try/tried.ts";
import { mustPublish } from "../../support/commands.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { shell } from "../commands/shell.ts";
import { WRITTEN_LINE, writtenModule } from "../create/module/written_module.ts";

/*
 * The command as a publisher runs it, on a real kernel. It boots twice: once without the update for the script that must
 * fail there, and once for all the rest.
 */

const BOOTS_MS = 900_000;

const MODULE = "rebootless_written";
const kernel = findKernel("primary");
const module = writtenModule(kernel, MODULE);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebootless-try-"));
  await writeFile(join(folder, `${MODULE}.ko`), module);
  const draft = ["--image", kernel.vmlinuz, "--module", join(folder, `${MODULE}.ko`)];
  await mustPublish(
    "draft",
    ...draft,
    "--id",
    "fix-1",
    "--summary",
    "a fix",
    "-o",
    join(folder, "fix-1.json"),
  );
  await writeFile(join(folder, "exercise.sh"), `#!/bin/sh\ngrep -q "${WRITTEN_LINE.trim()}" /proc/version\n`);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const tryIt = (...more: readonly string[]) =>
  shell(folder, `publish try fix-1.json --modules ${kernel.modules} --accel tcg --json ${more.join(" ")}`);

describe("rebootless-publish try", () => {
  it(
    "finds a good update good, and writes beside the draft what it did",
    async () => {
      const { code, stdout, stderr } = await tryIt("--image", kernel.vmlinuz, "--exercise", "exercise.sh");
      expect(code, stderr + stdout).toBe(0);
      const bytes = await readFile(join(folder, "fix-1.tried.json"));
      const tried = decodeTried(bytes);
      expect(tried).toMatchObject({
        verdict: { verdict: "ok" },
        kernel: { release: kernel.version },
        modules: [{ name: MODULE, sha256: sha256Of(module) }],
        machine: { accelerator: "tcg", cpu: "Haswell" },
        exercise: sha256Of(await readFile(join(folder, "exercise.sh"))),
      });
      expect(tried.steps.map(({ step }) => step).join(" ")).toBe(
        "boot exercise_before boot load_before set_up match apply load exercise undo apply_again load_again",
      );
      expect(tried.changes.map(({ id, did }) => `${did} ${id}`)).toEqual([
        "applied fix-1",
        "undone fix-1",
        "applied fix-1",
      ]);
      expect(JSON.parse(stdout)).toMatchObject({
        command: "try",
        tried: [{ draft: "fix-1.json", file: "fix-1.tried.json", verdict: "ok" }],
      });
    },
    BOOTS_MS,
  );

  it("boots nothing for a kernel that the draft is not for", async () => {
    const { code, stderr } = await tryIt("--image", findKernel("secondary").vmlinuz);
    expect(code).toBe(2);
    expect(stderr).toContain("hint: Give the image that the draft was made for.");
  });

  it("boots nothing without the module that the draft names", async () => {
    await writeFile(join(folder, `${MODULE}.ko`), writtenModule(kernel, MODULE, true));
    const { code, stderr } = await tryIt("--image", kernel.vmlinuz);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: the module ${MODULE} of fix-1.json was not given`);
  });

  it("names the Debian package of what is missing", async () => {
    await writeFile(join(folder, `${MODULE}.ko`), module);
    const { code, stderr } = await shell(
      folder,
      `PATH=/nowhere publish try fix-1.json --image ${kernel.vmlinuz} --modules ${kernel.modules} --accel tcg`,
    );
    expect(code).toBe(1);
    expect(stderr).toContain("hint: On Debian: apt install qemu-system-x86 util-linux libc-bin\n");
  });
});
