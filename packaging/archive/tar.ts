import type { Entry } from "./entry.ts";

/*
 * The ustar format (POSIX.1-1988): blocks of 512 bytes; a header with the name, numbers in octal and a checksum, the
 * file's bytes, zero bytes to a whole block; two blocks of zero bytes at the end.
 */

const BLOCK = 512;
const NAME_BYTES = 100;
const TYPES = { file: "0", link: "2", directory: "5" } as const;

/** Everything belongs to root and has one time: the archive is the same wherever it is made. */
export function tar(entries: readonly Entry[], seconds: number, prefix = "./"): Buffer {
  const blocks = entries.flatMap((entry) => {
    const bytes = entry.kind === "file" ? entry.bytes : new Uint8Array();
    return [header(entry, prefix, bytes.length, seconds), bytes, padding(bytes.length)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

const padding = (length: number): Buffer => Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK);
const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

function header(entry: Entry, prefix: string, length: number, seconds: number): Buffer {
  const name = prefix + entry.path + (entry.kind === "directory" ? "/" : "");
  const target = entry.kind === "link" ? entry.target : "";
  const mode = entry.kind === "file" ? entry.mode : entry.kind === "link" ? 0o777 : 0o755;
  if (Buffer.byteLength(name) > NAME_BYTES) throw new Error(`too long a name for ustar: ${name}`);
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, at: number) => block.write(text, at, "utf8");
  put(name, 0);
  put(octal(mode, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(length, 11), 124);
  put(octal(seconds, 11), 136);
  put(" ".repeat(8), 148);
  put(TYPES[entry.kind], 156);
  put(target, 157);
  put("ustar\x0000root", 257);
  put("root", 297);
  // The checksum counts its own eight bytes as spaces.
  put(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0`,
    148,
  );
  return block;
}
