import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createDurably,
  readIfPresent,
  readNamed,
  removeDurably,
  writeDurably,
  writeNewFile,
  writeWhole,
} from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-files-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const text = async (path: string) => Buffer.from((await readIfPresent(path)) ?? "(none)").toString();

describe("writing durably", () => {
  it("makes the folders, takes bytes or text, and leaves nothing beside the file", async () => {
    const path = join(dir, "a", "b", "file");
    await writeDurably(path, "one");
    expect(await text(path)).toBe("one");
    await writeDurably(path, new Uint8Array([50]));
    expect(await text(path)).toBe("2");
    expect(await readdir(join(dir, "a", "b"))).toEqual(["file"]);
  });

  it("gives the mode it was told, whatever the old file had", async () => {
    const path = join(dir, "file");
    await writeDurably(path, "one");
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    await writeDurably(path, "two", 0o600);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("takes the place of what a crash left under the temporary name", async () => {
    const path = join(dir, "file");
    await writeFile(join(dir, `.file.${process.pid}.new`), "half of someth");
    await writeDurably(path, "whole");
    expect(await readdir(dir)).toEqual(["file"]);
    expect(await text(path)).toBe("whole");
  });

  it("replaces a link, and not what it points to", async () => {
    const secret = join(dir, "secret");
    await writeFile(secret, "kept");
    await symlink(secret, join(dir, "file"));
    await writeDurably(join(dir, "file"), "new");
    expect(await text(secret)).toBe("kept");
    expect(await text(join(dir, "file"))).toBe("new");
  });

  it("leaves everything as it was when the rename fails", async () => {
    const path = join(dir, "file");
    await mkdir(join(path, "full"), { recursive: true }); // a file cannot take the place of a folder
    await expect(writeDurably(path, "new")).rejects.toMatchObject({ code: "io" });
    expect(await readdir(dir)).toEqual(["file"]);
  });

  it("fails with a code when a file stands where a folder must", async () => {
    await writeFile(join(dir, "file"), "x");
    await expect(writeDurably(join(dir, "file", "below"), "new")).rejects.toMatchObject({ code: "io" });
  });

  it("fails with not_permitted where it may not write", async ({ skip }) => {
    skip(process.geteuid?.() !== 0, "needs root, to become somebody else");
    await writeFile(join(dir, "file"), "old");
    chmodSync(dir, 0o755);
    const { stdout, status } = asNobody(join(dir, "file"));
    expect(stdout).toBe("not_permitted");
    expect(status).toBe(0);
    expect(await readdir(dir)).toEqual(["file"]);
    expect(await text(join(dir, "file"))).toBe("old");
  });

  it("keeps the old bytes and says so when the disk is full", async ({ skip }) => {
    skip(!mountSmallDisk(dir), "needs the right to mount");
    try {
      const path = join(dir, "file");
      await writeDurably(path, "old");
      const tooMuch = new Uint8Array(4 * 1024 * 1024);
      await expect(writeDurably(path, tooMuch)).rejects.toMatchObject({
        code: "io",
        hint: "The disk is full.",
      });
      expect(await readdir(dir)).toEqual(["file"]);
      expect(await text(path)).toBe("old");
    } finally {
      execFileSync("umount", [dir]);
    }
  });
});

describe("writing content that comes in parts", () => {
  async function* parts(...texts: readonly string[]): AsyncIterable<Uint8Array> {
    for (const part of texts) yield Buffer.from(part);
  }

  it("writes all of them in order, and nothing where one of them fails", async () => {
    const path = join(dir, "file");
    await writeDurably(path, parts("a", "", "bc"));
    expect(await text(path)).toBe("abc");
    async function* failing(): AsyncIterable<Uint8Array> {
      yield Buffer.from("half");
      throw new RebootlessError("trust", "damaged");
    }
    await expect(writeDurably(path, failing())).rejects.toMatchObject({ code: "trust" });
    await expect(createDurably(join(dir, "other"), failing())).rejects.toMatchObject({ code: "trust" });
    expect(await readdir(dir)).toEqual(["file"]);
    expect(await text(path)).toBe("abc");
  });

  it("writes several pieces at once, empty ones too", async () => {
    const path = join(dir, "file");
    const pieces = ["", "12345678", "", "header", "bytes", ""].map(
      (piece) => new Uint8Array(Buffer.from(piece)),
    );
    await writeNewFile(path, pieces, 0o644);
    expect(await text(path)).toBe("12345678headerbytes");
    await writeNewFile(join(dir, "empty"), [], 0o644);
    expect(await text(join(dir, "empty"))).toBe("");
  });
});

describe("making a file", () => {
  it("gives the mode, and never replaces what is there, be it a link that leads nowhere", async () => {
    const path = join(dir, "file");
    await createDurably(path, "one", 0o600);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(createDurably(path, "two")).rejects.toMatchObject({ code: "EEXIST" });
    expect(await text(path)).toBe("one");
    await symlink(join(dir, "nowhere"), join(dir, "link"));
    await expect(createDurably(join(dir, "link"), "x")).rejects.toMatchObject({ code: "EEXIST" });
    expect((await readdir(dir)).sort()).toEqual(["file", "link"]);
  });
});

describe("writing whole, without waiting for the disk", () => {
  it("makes the folder, replaces the file and leaves nothing beside it", async () => {
    const path = join(dir, "a", "file");
    writeWhole(path, "one");
    await writeFile(join(dir, "a", `.file.${process.pid}.new`), "left by a crash");
    writeWhole(path, "two");
    expect(await text(path)).toBe("two");
    expect(await readdir(join(dir, "a"))).toEqual(["file"]);
  });
});

/** Writes as a user who may not; prints the error's code. The module is read before: a checkout may be root's alone. */
function asNobody(path: string): { readonly stdout: string; readonly status: number | null } {
  const module = resolve(import.meta.dirname, "../../node/files.ts");
  const script = `
    const { writeDurably } = await import(${JSON.stringify(module)});
    process.seteuid?.(65534);
    await writeDurably(${JSON.stringify(path)}, "new")
      .then(() => process.stdout.write("written"), (error) => process.stdout.write(error.code));`;
  const ran = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  return { stdout: ran.stdout, status: ran.status };
}

/** A megabyte of memory as a disk. False where mounting is not allowed. */
function mountSmallDisk(at: string): boolean {
  mkdirSync(at, { recursive: true });
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", at]).status === 0;
}

describe("reading and removing", () => {
  it("tells absent from unreadable", async () => {
    expect(await readIfPresent(join(dir, "none"))).toBeUndefined();
    expect(await readIfPresent(join(dir, "no", "folder"))).toBeUndefined();
    await expect(readIfPresent(dir)).rejects.toMatchObject({ code: "io" });
  });

  it("refuses a file that a person named where it is too large, no file, or a pipe that nobody writes to", async () => {
    await writeFile(join(dir, "file"), "four");
    expect(await readNamed(join(dir, "file"), 4)).toEqual(new Uint8Array(Buffer.from("four")));
    await expect(readNamed(join(dir, "file"), 3)).rejects.toMatchObject({ code: "limit" });
    await expect(readNamed(dir, 4)).rejects.toMatchObject({ code: "usage" });
    execFileSync("mkfifo", [join(dir, "pipe")]);
    await expect(readNamed(join(dir, "pipe"), 4)).rejects.toMatchObject({ code: "usage" });
  });

  it("removes a file, and does not mind when there is none", async () => {
    await writeFile(join(dir, "file"), "x");
    await removeDurably(join(dir, "file"));
    await removeDurably(join(dir, "file"));
    await removeDurably(join(dir, "no", "folder"));
    expect(await readdir(dir)).toEqual([]);
  });

  it("does not remove a folder by mistake", async () => {
    await mkdir(join(dir, "folder"));
    await writeFile(join(dir, "folder", "file"), "x");
    await expect(removeDurably(join(dir, "folder"))).rejects.toMatchObject({ code: "io" });
    expect(await readFile(join(dir, "folder", "file"), "utf8")).toBe("x");
  });
});
