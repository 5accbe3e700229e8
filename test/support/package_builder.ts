import { execFileSync } from "node:child_process";
import { concatBytes, utf8 } from "../../shared/bytes.ts";
import { le } from "./elf_builder.ts";

/** A tar header block; `size` may lie. */
export function tarHeader(path: string, size: number, type = "0", prefix = ""): Uint8Array {
  const block = new Uint8Array(512);
  block.set(utf8(path.slice(0, 100)));
  block.set(utf8(size.toString(8).padStart(11, "0")), 124);
  block.set(utf8("        "), 148);
  block.set(utf8(type), 156);
  block.set(utf8("ustar\u000000"), 257);
  block.set(utf8(prefix), 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

export const tarEntry = (path: string, content: Uint8Array, type = "0"): Uint8Array =>
  concatBytes([tarHeader(path, content.length, type), content, new Uint8Array(-content.length & 511)]);

export const tar = (...entries: readonly Uint8Array[]): Uint8Array =>
  concatBytes([...entries, new Uint8Array(1024)]);

export function arMember(name: string, content: Uint8Array): Uint8Array {
  const header = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}`;
  const rest = `${String(content.length).padEnd(10)}\`\n`;
  return concatBytes([utf8(header + rest), content, new Uint8Array(content.length & 1)]);
}

/** A Debian package around its data, which is packed by the name of the member. */
export const deb = (dataName: string, data: Uint8Array): Uint8Array =>
  concatBytes([
    utf8("!<arch>\n"),
    arMember("debian-binary", utf8("2.0\n")),
    arMember("control.tar.gz", new Uint8Array(7)),
    arMember(dataName, data),
  ]);

export const xzPacked = (data: Uint8Array): Uint8Array =>
  new Uint8Array(execFileSync("xz", ["-c"], { input: data, maxBuffer: 64 << 20 }));

/** A frame of stored blocks with a window of 128 KiB (RFC 8878): the zstd command is not everywhere. */
export function zstdPacked(data: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < data.length; at += ZSTD_BLOCK) {
    const block = data.subarray(at, at + ZSTD_BLOCK);
    const isLast = at + ZSTD_BLOCK >= data.length;
    blocks.push(le((block.length << 3) | Number(isLast), 3), block);
  }
  return concatBytes([le(0xfd2fb528, 4), Uint8Array.of(0x00, 7 << 3), ...blocks]);
}
const ZSTD_BLOCK = 100_000;
