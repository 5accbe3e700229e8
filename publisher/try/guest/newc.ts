/*
 * The "newc" cpio format, which the kernel unpacks as its first file system:
 *
 *   "070701", then 13 numbers of 8 hex digits: inode, mode, uid, gid, links, mtime, file size, device (major, minor),
 *   device node (major, minor), length of the name with its zero byte, checksum (0);
 *   the name, its zero byte, zero bytes to a multiple of 4; the file's bytes, zero bytes to a multiple of 4.
 *
 * The archive ends with an entry named TRAILER!!!.
 */

export interface NewcEntry {
  readonly name: string;
  /** Type and permissions. */
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly device?: readonly [major: number, minor: number];
}

const TRAILER: NewcEntry = { name: "TRAILER!!!", mode: 0, bytes: new Uint8Array() };

const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
const hex = (value: number): string => value.toString(16).padStart(8, "0");

function encodeEntry(entry: NewcEntry, inode: number): readonly Uint8Array[] {
  const name = Buffer.from(`${entry.name}\0`);
  const [major, minor] = entry.device ?? [0, 0];
  const numbers = [inode, entry.mode, 0, 0, 1, 0, entry.bytes.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${numbers.map(hex).join("")}`);
  return [header, name, padding(header.length + name.length), entry.bytes, padding(entry.bytes.length)];
}

/** The archive; its length is a multiple of 4. Entries are numbered (inode) from 1 in the order given. */
export const newc = (entries: readonly NewcEntry[]): Buffer =>
  Buffer.concat([...entries, TRAILER].flatMap((entry, index) => encodeEntry(entry, index + 1)));
