import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/* A real terminal: script(1) of util-linux gives the command a pty, and we type on it. */

const PASSPHRASE = "several random words";

let dir: string;
let bundle: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-pty-"));
  bundle = join(dir, "publish.cjs");
  const define = { REBOOTLESS_VERSION: '"test"' };
  await build({
    entryPoints: ["publisher/main.ts"],
    outfile: bundle,
    bundle: true,
    platform: "node",
    define,
  });
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Types each answer once its question is on the screen. Returns everything the screen showed, and the exit code. */
function onTerminal(command: string, answers: readonly (readonly [string, string])[]) {
  const args = ["--quiet", "--return", "--command", `${process.execPath} ${bundle} ${command}`, "/dev/null"];
  const child = spawn("script", args, { stdio: ["pipe", "pipe", "inherit"] });
  let screen = "";
  let at = 0;
  const waiting = [...answers];
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    const [question, answer] = waiting[0] ?? [];
    const found = question === undefined ? -1 : screen.indexOf(question, at);
    if (found < 0 || answer === undefined) return;
    at = found + 1;
    waiting.shift();
    // The question is written right before the terminal's echo is turned off.
    setTimeout(() => child.stdin.write(answer), 200);
  });
  return new Promise<{ code: number | null; screen: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, screen }));
  });
}

describe("on a terminal", () => {
  it("a passphrase is asked for twice and never shown", async () => {
    const key = join(dir, "typed.json");
    const { code, screen } = await onTerminal(`keys new ${key}`, [
      ["New passphrase: ", `${PASSPHRASE}\r`],
      ["Repeat it: ", `${PASSPHRASE}\r`],
    ]);
    expect([code, screen]).toEqual([0, expect.stringContaining("encrypted")]);
    expect(screen).not.toContain("random");
    expect(await readFile(key, "utf8")).toContain("scrypt");
  });

  it("Ctrl-C makes nothing", async () => {
    const key = join(dir, "interrupted.json");
    const { code, screen } = await onTerminal(`keys new ${key}`, [["New passphrase: ", "\u0003"]]);
    expect([code, screen]).toEqual([7, expect.stringContaining("no answer")]);
    await expect(stat(key)).rejects.toThrow("ENOENT");
  });

  it("a change of the root is shown, and signed only after a yes", async () => {
    const feed = join(dir, "feed");
    await onTerminal(`init ${feed} --no-passphrase`, []);
    const request = join(dir, "request.json");
    await onTerminal(`root propose ${feed} -o ${request} --expires 'in 90 days'`, []);
    const sign = `sign ${request} --key ${feed}/keys/root-1.json`;
    const no = await onTerminal(sign, [["Sign this? [yes/no] ", "no\r"]]);
    expect([no.code, no.screen]).toEqual([7, expect.stringMatching(/version 1 -> 2[\s\S]*in 90 days/)]);
    const yes = await onTerminal(sign, [["Sign this? [yes/no] ", "yes\r"]]);
    expect([yes.code, yes.screen]).toEqual([0, expect.stringContaining("1 of 2 needed")]);
  });

  it("what others wrote into a request cannot reach into the terminal", async () => {
    const request = join(dir, "hostile.json");
    await writeFile(request, JSON.stringify({ format: 1, kind: "root", "\u001b[2J\u009b1A": 1, roots: [] }));
    const { code, screen } = await onTerminal(`sign ${request} --key ${dir}/typed.json`, []);
    expect(code).toBe(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
    expect(screen).not.toMatch(/[\u001b\u009b]\[?[12]/);
  });
});
