import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ByteStream } from "../../../shared/archive/byte_stream.ts";
import { MAX_TAR_FILE, tarEnd, tarFiles, tarHeader, tarPadding } from "../../../shared/archive/tar.ts";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";

const FILES: ReadonlyMap<string, Uint8Array> = new Map([
  ["empty", new Uint8Array()],
  ["boot/vmlinuz", Uint8Array.from({ length: 5000 }, (_, i) => i)],
  ["a block exactly", new Uint8Array(512).fill(7)],
  [`${"deep/".repeat(30)}file`, utf8("a path that does not fit into 100 bytes")],
  [`${"x".repeat(120)}`, utf8("a name that fits neither the name nor the prefix")],
]);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebootless-tar-"));
  for (const [path, bytes] of FILES) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  await symlink("empty", join(folder, "link"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Reads an archive that comes in pieces of an odd size. */
async function read(archive: Uint8Array, wants = (_path: string, _size: number) => true, most?: number) {
  const pieces = Array.from({ length: Math.ceil(archive.length / 777) }, (_, i) =>
    archive.subarray(777 * i, 777 * (i + 1)),
  );
  const files = new Map<string, Uint8Array>();
  const stream = new ByteStream(pieces, "archive", 1 << 20);
  for await (const { path, bytes } of tarFiles(stream, wants, most)) files.set(path, bytes);
  return files;
}

const packed = (format: string): Uint8Array =>
  execFileSync("tar", ["-C", folder, "-c", `--format=${format}`, ...FILES.keys(), "link"]);

describe("a tar archive", () => {
  it.each(["gnu", "pax", "oldgnu"])("of the format %s has every file, and no link", async (format) => {
    expect(await read(packed(format))).toEqual(FILES);
  });

  it("gives the files that are wanted", async () => {
    const asked: [string, number][] = [];
    const found = await read(packed("gnu"), (path, size) => {
      asked.push([path, size]);
      return path === "empty" || path.startsWith("boot/");
    });
    expect([...found.keys()]).toEqual(["empty", "boot/vmlinuz"]);
    expect(asked).toEqual([...FILES].map(([path, { length }]) => [path, length]));
  });

  it("that we write is what the program reads", async () => {
    const short = [...FILES].filter(([path]) => path.length <= 100);
    const archive = concatBytes([
      ...short.flatMap(([path, bytes]) => [
        tarHeader(path, bytes.length, 1_700_000_000),
        bytes,
        tarPadding(bytes.length),
      ]),
      tarEnd(),
    ]);
    expect(await read(archive)).toEqual(new Map(short));
    const listed = execFileSync("tar", ["-tv", "--utc", "--full-time", "-f", "-"], { input: archive });
    expect(listed.toString().trimEnd().split("\n")).toEqual(
      short.map(
        ([path, { length }]) =>
          `-rw-r--r-- root/root ${String(length).padStart(9)} 2023-11-14 22:13:20 ${path}`,
      ),
    );
    expect(execFileSync("tar", ["-xO", "-f", "-", "boot/vmlinuz"], { input: archive })).toEqual(
      Buffer.from(FILES.get("boot/vmlinuz") ?? []),
    );
  });

  it("is refused where it is cut off or changed", async () => {
    const archive = packed("gnu");
    const header = tarHeader("file", 4, 0);
    for (const length of [1, 511, 512, 515]) {
      await expect(read(concatBytes([header, utf8("abcd")]).subarray(0, length))).rejects.toMatchObject({
        code: "parse",
      });
    }
    for (const at of [0, 124, 148, 156, 300]) {
      const changed = Uint8Array.from(archive);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(read(changed)).rejects.toMatchObject({ code: "parse" });
    }
  });

  it("is bounded in its entries, and in what a header says of a name", async () => {
    await expect(read(packed("gnu"), () => true, 3)).rejects.toMatchObject({ code: "limit" });
    const name = tarHeader("long", 65 * 1024, 0);
    await expect(read(retyped(name, "L"))).rejects.toMatchObject({ code: "limit" });
  });

  it("with a pax header that is damaged, or says a size, is not read", async () => {
    for (const [record, code] of [
      ["13 path=abc\n", "parse"],
      ["3 path=abc\n", "parse"],
      ["path=abc\n", "parse"],
      ["12 size=123\n", "unsupported"],
    ] as const) {
      const bytes = utf8(record);
      const header = retyped(tarHeader("pax", bytes.length, 0), "x");
      const archive = concatBytes([header, bytes, tarPadding(bytes.length), tarHeader("f", 0, 0), tarEnd()]);
      await expect(read(archive)).rejects.toMatchObject({ code });
    }
  });

  it("has no name and no size that its header cannot say", () => {
    expect(() => tarHeader("x".repeat(101), 0, 0)).toThrow(/name that is too long/);
    expect(() => tarHeader("x", MAX_TAR_FILE + 1, 0)).toThrow(/file that is too large/);
  });
});

/** A header with another type, and the sum that belongs to it. */
function retyped(header: Uint8Array, type: string): Uint8Array {
  const block = Uint8Array.from(header);
  block[156] = type.charCodeAt(0);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(utf8(sum.toString(8).padStart(6, "0")), 148);
  block[154] = 0;
  return block;
}
