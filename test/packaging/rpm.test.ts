import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { madePackage, RPM } from "./support.ts";

/** A header as a reader that knows nothing of the writer sees it: strings and numbers by tag, and where it ends. */
function readHeader(bytes: Buffer, at: number) {
  expect(bytes.toString("hex", at, at + 8)).toBe("8eade80100000000");
  const count = bytes.readUInt32BE(at + 8);
  const length = bytes.readUInt32BE(at + 12);
  const store = at + 16 + 16 * count;
  const tags = new Map<number, readonly (string | number)[]>();
  let last = 0;
  for (let entry = at + 16; entry < store; entry += 16) {
    const [tag, type, offset, values] = [0, 4, 8, 12].map((field) => bytes.readInt32BE(entry + field)) as [
      number,
      number,
      number,
      number,
    ];
    if (tag > 63) {
      expect(offset).toBeGreaterThanOrEqual(last);
      last = offset;
    }
    tags.set(tag, readValues(bytes, store + offset, type, values));
  }
  return { tags, end: store + length };
}

function readValues(bytes: Buffer, at: number, type: number, count: number): readonly (string | number)[] {
  if (type === 7) return [bytes.toString("hex", at, at + count)];
  if (type === 3) return Array.from({ length: count }, (_, index) => bytes.readUInt16BE(at + 2 * index));
  if (type === 4) return Array.from({ length: count }, (_, index) => bytes.readInt32BE(at + 4 * index));
  return bytes.toString("utf8", at).split("\0", count);
}

const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest("hex");

let bytes: Buffer;
let signatures: ReturnType<typeof readHeader>;
let main: ReturnType<typeof readHeader>;
let mainAt: number;

beforeAll(async () => {
  bytes = await madePackage(RPM);
  signatures = readHeader(bytes, 96);
  mainAt = Math.ceil(signatures.end / 8) * 8;
  main = readHeader(bytes, mainAt);
});

const strings = (tag: number) => (main.tags.get(tag) ?? []) as readonly string[];
const numbers = (tag: number) => (main.tags.get(tag) ?? []) as readonly number[];

const files = () =>
  strings(1117).map((name, index) => ({
    path: `${strings(1118)[numbers(1116)[index] ?? -1]}${name}`,
    mode: numbers(1030)[index],
    digest: strings(1035)[index],
    target: strings(1036)[index],
    flags: numbers(1037)[index],
  }));

describe("the .rpm", () => {
  it("has the digests of its header and of its payload", () => {
    const header = bytes.subarray(mainAt, main.end);
    const payload = bytes.subarray(main.end);
    expect(signatures.tags.get(273)).toEqual([digest("sha256", header)]);
    expect(signatures.tags.get(269)).toEqual([digest("sha1", header)]);
    expect(signatures.tags.get(1004)).toEqual([digest("md5", bytes.subarray(mainAt))]);
    expect(signatures.tags.get(1000)).toEqual([bytes.length - mainAt]);
    expect(signatures.tags.get(1007)).toEqual([gunzipSync(payload).length]);
    expect(strings(5092)).toEqual([digest("sha256", payload)]);
  });

  it("ends each table with the region that says how long it is", () => {
    for (const [tag, header, at] of [
      [62, signatures, 96],
      [63, main, mainAt],
    ] as const) {
      const count = bytes.readUInt32BE(at + 8);
      const trailer = bytes.subarray(header.end - 16, header.end);
      expect([0, 4, 8, 12].map((field) => trailer.readInt32BE(field))).toEqual([tag, 7, -16 * count, 16]);
    }
  });

  it("says what it is and what it needs", () => {
    expect([1000, 1001, 1002, 1014, 1021, 1022].map((tag) => strings(tag)[0])).toEqual([
      "rebootless",
      "0.1.0",
      "1",
      "MIT",
      "linux",
      "noarch",
    ]);
    const needs = strings(1049).map((name, index) => [name, numbers(1048)[index], strings(1050)[index]]);
    expect(needs).toContainEqual(["nodejs", 12, "20.11"]);
    expect(needs).toContainEqual(["kmod", 0, ""]);
    expect(needs).toContainEqual(["/usr/bin/flock", 0, ""]);
  });

  it("lists its files in order, and the payload has exactly these", () => {
    const paths = files().map(({ path }) => path);
    expect(paths).toEqual([...paths].sort());
    const payload = gunzipSync(bytes.subarray(main.end)).toString("latin1");
    const names = [...payload.matchAll(/070701[0-9a-f]{104}(\.\/[^\0]+|TRAILER!!!)\0/g)].map(
      ([, name]) => name,
    );
    expect(names).toEqual([...paths.map((path) => `.${path}`), "TRAILER!!!"]);
  });

  it("keeps modes, links, digests, and configuration that is not replaced", () => {
    const find = (path: string) => files().find((file) => file.path === path);
    expect(find("/usr/lib/rebootless/rebootless.cjs")).toMatchObject({ mode: 0o100755, flags: 0 });
    expect(find("/usr/bin/rebootless")).toMatchObject({
      mode: 0o120777,
      target: "../lib/rebootless/rebootless.cjs",
      digest: "",
    });
    expect(find("/etc/rebootless/rebootless.toml")).toMatchObject({ mode: 0o100644, flags: 17 });
    expect(find("/etc/rebootless")).toMatchObject({ mode: 0o040755, digest: "" });
    expect(find("/usr/share/man/man8/rebootless.8.gz")).toMatchObject({ flags: 2 });
    expect(find("/usr/lib/rebootless/rebootless.cjs")?.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it("leaves the kernel alone when it is installed or removed", () => {
    for (const tag of [1024, 1025, 1026]) {
      const commands = (strings(tag)[0] ?? "").replaceAll(/^\s*(?:#|echo ).*$/gm, "");
      expect(commands).toContain("systemctl");
      expect(commands).not.toMatch(
        /insmod|modprobe|depmod|rmmod|\/sys\/kernel|rebootless (?:upgrade|boot|undo)/,
      );
    }
  });

  it("is the same bytes each time", async () => {
    expect((await madePackage(RPM)).equals(bytes)).toBe(true);
  });
});
