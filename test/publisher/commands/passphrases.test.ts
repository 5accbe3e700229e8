import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publisherBundle } from "../../support/commands.ts";
import { shell as inShell } from "./shell.ts";

/* The built program, started by a shell as people start it: what comes through pipes and descriptors is the kernel's. */

const PASSPHRASE = "several random words ";
const WRONG = "utterly foreign words";

let dir: string;
let key: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-passphrases-"));
  key = join(dir, "alice.json");
  await writeFile(join(dir, "right"), `${PASSPHRASE}\n`, { mode: 0o600 });
  await writeFile(join(dir, "wrong"), `${WRONG}\n`, { mode: 0o600 });
  const made = await shell(`publish keys new ${key} --role timestamp --passphrase-file right`);
  expect(made.code).toBe(0);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Runs a line of bash, as people start the program. */
const shell = (line: string) => inShell(dir, line);

let outputs = 0;
const exportWith = (file: string) =>
  `publish --json keys export ${key} -o exported-${++outputs} --passphrase-file ${file}`;

describe("a passphrase", () => {
  it.each([
    ["through a pipe on stdin", () => `cat right | ${exportWith("-")}`],
    ["through a pipe that is slow to fill", () => `(sleep 1; cat right; sleep 1) | ${exportWith("-")}`],
    ["from a file on stdin", () => `${exportWith("-")} <right`],
    ["without the line's end", () => `printf '%s' '${PASSPHRASE}' | ${exportWith("-")}`],
    ["through a descriptor, as gpg takes it", () => `${exportWith("/dev/fd/7")} 7<right`],
    ["from a command in place of the file", () => exportWith("<(cat right)")],
    ["from a file", () => exportWith("right")],
  ])("comes %s", async (_, line) => {
    expect(await shell(line())).toMatchObject({ code: 0, stderr: expect.stringContaining("not encrypted") });
  });

  it.each([
    ["the wrong one", () => `${exportWith("-")} <wrong`, /does not open/],
    [
      "one with its last space cut off",
      () => `printf '%s\\n' 'several random words' | ${exportWith("-")}`,
      /does not open/,
    ],
    ["two lines", () => `cat right wrong | ${exportWith("-")}`, /stdin is not one line of text/],
    ["nothing", () => `${exportWith("-")} </dev/null`, /stdin/],
    ["an empty line", () => `echo | ${exportWith("-")}`, /stdin is not one line of text/],
    ["endless text", () => `yes | tr -d '\\n' | ${exportWith("-")}`, /stdin has more than 4096 bytes/],
    [
      "bytes that are no text",
      () => `printf '\\377\\376\\n' | ${exportWith("-")}`,
      /stdin is not one line of text/,
    ],
    ["a descriptor that nobody opened", () => exportWith("/dev/fd/77"), /cannot read \/dev\/fd\/77/],
  ])("is not taken from %s, and nothing of it is said", async (_, line, message) => {
    const { code, stdout, stderr } = await shell(line());
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    for (const secret of ["random", "foreign", "several"]) expect(stdout + stderr).not.toContain(secret);
  });

  it("is not taken from what others can read, on a descriptor either", async () => {
    await writeFile(join(dir, "shared"), `${PASSPHRASE}\n`);
    await chmod(join(dir, "shared"), 0o640);
    for (const line of [
      `${exportWith("-")} <shared`,
      `${exportWith("/dev/fd/3")} 3<shared`,
      exportWith("shared"),
    ]) {
      expect(await shell(line)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("can be read by others"),
      });
    }
  });

  it("is not read from a terminal, which would show it", async () => {
    const inner = `${process.execPath} ${publisherBundle} keys export ${key} -o on-terminal --passphrase-file -`;
    const { stdout } = await shell(
      `script --quiet --return --command '${inner}' /dev/null </dev/null; echo "ended $?"`,
    );
    expect(stdout).toContain("stdin is a terminal");
    expect(stdout).toContain("ended 2");
  });
});

describe("two passphrases", () => {
  it("of keys passwd come from two places", async () => {
    const both = await shell(
      `cat right | publish keys passwd ${key} --old-passphrase-file - --passphrase-file -`,
    );
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("/dev/fd/3") });
    const line = `publish keys passwd ${key} --old-passphrase-file - --passphrase-file /dev/fd/3 <right 3<wrong`;
    expect(await shell(line)).toMatchObject({ code: 0 });
    expect(await shell(`${exportWith("-")} <wrong`)).toMatchObject({ code: 0 });
  });
});

describe("one passphrase from stdin", () => {
  it("makes a whole feed and opens every key of it", async () => {
    const made = await shell("publish init own --keys 2 --threshold 2 --passphrase-file - <right");
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("encrypted with your passphrase"),
    });
    expect(await readFile(join(dir, "own/keys/root-2.json"), "utf8")).toContain("scrypt");
    expect(await shell("publish root propose own -o own/2.json")).toMatchObject({ code: 0 });
    for (const n of [1, 2]) {
      const line = `publish sign own/2.json --key own/keys/root-${n}.json --yes --passphrase-file - <right`;
      expect(await shell(line)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${n} of 2 needed`),
      });
    }
    // The token key and both root keys are opened by what came once; nobody listens at this address.
    const renewed = await shell(
      "publish root renew own --feed http://127.0.0.1:9/ --yes --passphrase-file - <right",
    );
    expect(renewed).toMatchObject({ code: 3, stderr: expect.stringContaining("127.0.0.1:9") });
  });
});
