import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../support/guest/machine.ts";

/** A file's path and what it imports. */
const FORBIDDEN = [
  ["shared/a1.ts", "node:fs"],
  ["shared/feed/a2.ts", "node:fs/promises"],
  ["shared/a3.ts", "../client/config.ts"],
  ["shared/tuf/a4.ts", "../feed/manifest.ts"],
  ["shared/tuf/a5.ts", "../runpre/check.ts"],
  ["shared/runpre/a6.ts", "../tuf/verify.ts"],
  ["edge/publish/a7.ts", "node:fs/promises"],
  ["edge/a8.ts", "../shared/elf/notes.ts"],
  ["edge/a9.ts", "../publisher/keys/sign.ts"],
  ["client/a10.ts", "../publisher/keys/sign.ts"],
  ["client/trust/a11.ts", "../commands/check.ts"],
  ["client/a12.ts", "cloudflare:workers"],
  ["publisher/feed/a13.ts", "../../client/trust/poll.ts"],
  ["publisher/keys/a14.ts", "../commands/push.ts"],
  ["client/a15.ts", "../packaging/about.ts"],
  ["shared/a16.ts", "../packaging/about.ts"],
] as const;

const ALLOWED = [
  ["client/trust/b1.ts", "../../shared/feed/paths.ts"],
  ["client/b2.ts", "./commands/check.ts"],
  ["edge/publish/b3.ts", "../../shared/tuf/verify.ts"],
  ["publisher/feed/b4.ts", "node:fs/promises"],
] as const;

let folder: string;
let said: string;

/** A tree with our lint rules in which nothing but the imports is there to complain about. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebootless-lint-"));
  await copyFile(join(projectRoot, "biome.json"), join(folder, "biome.json"));
  for (const [path, from] of [...FORBIDDEN, ...ALLOWED]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `import { x } from "${from}";\n\nexport const y = x;\n`);
  }
  const biome = join(projectRoot, "node_modules/@biomejs/biome/bin/biome");
  said = await new Promise((resolve) => {
    const args = [biome, "lint", "--max-diagnostics=200", "."];
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(FORBIDDEN)("%s must not import %s, and lint says why", (path) => {
  expect(said).toMatch(new RegExp(`^${path}:1:\\d+ lint/style/noRestrictedImports`, "m"));
});

test.each(ALLOWED)("%s may import %s", (path) => {
  expect(said).not.toContain(`${path}:`);
});
