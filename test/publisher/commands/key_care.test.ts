import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readKeyFile } from "../../../publisher/keys/key_file.ts";
import { toHex } from "../../../shared/bytes.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";
import { openKey } from "./served_edge.ts";

const PASSPHRASE = "several random words";
const NEW_PASSPHRASE = "other random words";

let dir: string;
let file: string;
let passphraseFile: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-keys-"));
  file = join(dir, "alice.json");
  passphraseFile = join(dir, "passphrase");
  await writeFile(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("keys new", () => {
  it("asks twice and writes an encrypted key for its owner alone, and the public part for others", async () => {
    const done = await mustCli(["keys", "new", file, "--role", "root"], { types: [PASSPHRASE, PASSPHRASE] });
    expect(done.asked).toEqual(["New passphrase: ", "Repeat it: "]);
    expect(await modeOf(file)).toBe(0o600);
    const text = await readFile(file, "utf8");
    expect(JSON.parse(text)).toMatchObject({
      format: 2,
      role: "root",
      private: { protection: "passphrase", kdf: { name: "scrypt", log_n: 17, r: 8, p: 1 } },
    });
    expect(await readFile(`${file}.pub`, "utf8")).not.toContain("private");
  });

  it.each<readonly [string, readonly string[], RegExp]>([
    ["two that differ", [PASSPHRASE, NEW_PASSPHRASE], /differ/],
    ["a short one", ["short", "short"], /at least 12 characters/],
    ["none", ["", ""], /at least 12/],
  ])("takes no passphrase from %s", async (_, types, message) => {
    const done = await cli(["keys", "new", file], { types });
    expect([done.code, done.stderr]).toEqual([2, expect.stringMatching(message)]);
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  it("without a terminal needs to be told what to do", async () => {
    const done = await cli(["keys", "new", file]);
    expect([done.code, done.stderr]).toEqual([
      2,
      expect.stringMatching(/--passphrase-file .* --no-passphrase/),
    ]);
  });

  it("leaves a key open only when that is said, and warns even with --json", async () => {
    const done = await mustCli(["--json", "keys", "new", file, "--no-passphrase"]);
    expect(done.stderr).toContain("warning: not encrypted");
    expect(jsonOf<{ encrypted: boolean }>(done).encrypted).toBe(false);
  });

  it("takes a passphrase from a file that only its owner can read", async () => {
    await mustCli(["keys", "new", file, "--passphrase-file", passphraseFile]);
    await chmod(passphraseFile, 0o640);
    const other = await cli(["keys", "new", join(dir, "b.json"), "--passphrase-file", passphraseFile]);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("can be read by others")]);
  });

  it.each(["file", "file.pub"])("overwrites nothing: %s", async (name) => {
    const path = name === "file" ? file : `${file}.pub`;
    await writeFile(path, "mine");
    expect((await cli(["keys", "new", file, "--no-passphrase"])).code).toBe(2);
    expect(await readFile(path, "utf8")).toBe("mine");
  });

  it("refuses both ways at once, and roles that there are not", async () => {
    const both = ["keys", "new", file, "--no-passphrase", "--passphrase-file", passphraseFile];
    expect((await cli(both)).code).toBe(2);
    expect((await cli(["keys", "new", file, "--no-passphrase", "--role", "king"])).code).toBe(2);
  });
});

describe("keys show", () => {
  it("needs no passphrase", async () => {
    await mustCli(["keys", "new", file, "--role", "targets", "--passphrase-file", passphraseFile]);
    const shown = await mustCli(["--json", "keys", "show", file, "-o", join(dir, "copy.pub")]);
    expect(jsonOf(shown)).toMatchObject({ role: "targets", scheme: "ed25519", encrypted: true });
    expect(await readFile(join(dir, "copy.pub"))).toEqual(await readFile(`${file}.pub`));
  });

  it.each([0o644, 0o640, 0o604, 0o620])("refuses a key file of mode %o", async (mode) => {
    await mustCli(["keys", "new", file, "--no-passphrase"]);
    await chmod(file, mode);
    const shown = await cli(["keys", "show", file]);
    expect([shown.code, shown.stderr]).toEqual([2, expect.stringContaining("chmod 600")]);
  });

  it("judges what a link leads to", async () => {
    await mustCli(["keys", "new", file, "--no-passphrase"]);
    await symlink(file, join(dir, "link"));
    await chmod(file, 0o644);
    expect((await cli(["keys", "show", join(dir, "link")])).code).toBe(2);
  });

  it.each([
    ["an empty file", ""],
    ["another format", '{"format":1,"scheme":"ed25519","public":"00","private":"00"}'],
    ["too much", " ".repeat(20_000)],
  ])("refuses %s", async (_, text) => {
    await writeFile(file, text, { mode: 0o600 });
    expect((await cli(["keys", "show", file])).code).not.toBe(0);
  });
});

describe("keys passwd", () => {
  it("puts the same key under another passphrase, or under none", async () => {
    await mustCli(["keys", "new", file, "--role", "root", "--passphrase-file", passphraseFile]);
    const before = (await readKeyFile(file)).id;
    await mustCli(["keys", "passwd", file], { types: [PASSPHRASE, NEW_PASSPHRASE, NEW_PASSPHRASE] });
    expect(await modeOf(file)).toBe(0o600);
    const refused = await cli(["keys", "passwd", file, "--no-passphrase"], {
      types: [PASSPHRASE, PASSPHRASE, PASSPHRASE],
    });
    expect([refused.code, refused.asked.length]).toEqual([2, 3]);
    expect(refused.stderr).toContain("does not open");
    await mustCli(["keys", "passwd", file, "--no-passphrase"], { types: [NEW_PASSPHRASE] });
    const open = await readKeyFile(file);
    expect([open.id, open.role, openKey(open).id]).toEqual([before, "root", before]);
  });
});

describe("keys export", () => {
  it("writes an online key for the edge, for its owner alone", async () => {
    await mustCli(["keys", "new", file, "--role", "timestamp", "--passphrase-file", passphraseFile]);
    const out = join(dir, "jwk");
    await mustCli(["keys", "export", file, "-o", out, "--passphrase-file", passphraseFile]);
    expect(await modeOf(out)).toBe(0o600);
    expect(JSON.parse(await readFile(out, "utf8"))).toMatchObject({ kty: "OKP", d: expect.any(String) });
  });

  it("lets no offline key go", async () => {
    await mustCli(["keys", "new", file, "--role", "root", "--no-passphrase"]);
    expect((await cli(["keys", "export", file, "-o", join(dir, "jwk")])).code).toBe(2);
  });
});

describe("what is printed", () => {
  it("never holds a secret or a passphrase, whatever goes wrong", async () => {
    await mustCli(["keys", "new", file, "--no-passphrase"]);
    const { seed } = openKey(await readKeyFile(file));
    const said: string[] = [];
    const run = async (...args: readonly string[]) => {
      const done = await cli(args, { types: [PASSPHRASE, PASSPHRASE, PASSPHRASE] });
      said.push(done.stdout, done.stderr, ...done.asked);
    };
    await run("keys", "show", file);
    await run("--json", "keys", "show", file);
    await run("keys", "passwd", file);
    await run("keys", "export", file, "-o", join(dir, "jwk"));
    await run("--json", "keys", "export", file, "-o", join(dir, "jwk"));
    const broken = (await readFile(file, "utf8")).replace(/"public":"../, '"public":"00');
    await writeFile(file, broken);
    await run("keys", "show", file);
    await writeFile(file, JSON.stringify({ format: 2, scheme: "ed25519", public: 5, private: toHex(seed) }));
    await run("keys", "show", file);
    const secrets = [toHex(seed), Buffer.from(seed).toString("base64url"), PASSPHRASE];
    for (const secret of secrets) expect(said.join("\n")).not.toContain(secret);
    expect(said.join("")).toContain("error:");
  });
});
