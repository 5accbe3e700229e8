import { RebootlessError } from "../../shared/errors.ts";

/*
 * The "newc" cpio format that the kernel unpacks as its first file system:
 *
 *   "070701", then 13 numbers of 8 hex digits: inode, mode, uid, gid, links, mtime, file size, device (major, minor),
 *   device node (major, minor), length of the name with its zero byte, checksum (0);
 *   the name, its zero byte, zero bytes to a multiple of 4; the file's bytes, zero bytes to a multiple of 4.
 *
 * The archive ends with an entry named TRAILER!!!. Archives may follow each other at multiples of 4 bytes, and the
 * later ones win: that is how a run's own files are added to a cached base.
 */

const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const SYMLINK = 0o120000;
const CHARACTER_DEVICE = 0o020000;
const TRAILER = "TRAILER!!!";

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly device: readonly [major: number, minor: number];
}

const noBytes = new Uint8Array();
const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
const hex = (value: number): string => value.toString(16).padStart(8, "0");

function encodeEntry(entry: Entry, inode: number): readonly Uint8Array[] {
  const name = Buffer.from(`${entry.name}\0`);
  const [major, minor] = entry.device;
  const numbers = [inode, entry.mode, 0, 0, 1, 0, entry.bytes.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${numbers.map(hex).join("")}`);
  return [header, name, padding(header.length + name.length), entry.bytes, padding(entry.bytes.length)];
}

/** Collects files and writes them as one archive. Paths are absolute; missing parent directories are added. */
export class CpioWriter {
  readonly #entries = new Map<string, Entry>();

  directory(path: string, mode = 0o755): void {
    this.#add(path, DIRECTORY | mode, noBytes);
  }

  file(path: string, bytes: Uint8Array, mode = 0o644): void {
    this.#add(path, REGULAR | mode, bytes);
  }

  symlink(path: string, target: string): void {
    this.#add(path, SYMLINK | 0o777, Buffer.from(target));
  }

  characterDevice(path: string, major: number, minor: number, mode = 0o600): void {
    this.#add(path, CHARACTER_DEVICE | mode, noBytes, [major, minor]);
  }

  /** The archive; its length is a multiple of 4. */
  encode(): Buffer {
    const trailer: Entry = { name: TRAILER, mode: 0, bytes: noBytes, device: [0, 0] };
    const entries = [...this.#entries.values(), trailer];
    return Buffer.concat(entries.flatMap((entry, index) => encodeEntry(entry, index + 1)));
  }

  #add(path: string, mode: number, bytes: Uint8Array, device: Entry["device"] = [0, 0]): void {
    if (!path.startsWith("/") || path.endsWith("/") || path.split("/").includes("..")) {
      throw new RebootlessError("usage", `not a clean absolute path: ${path}`);
    }
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "" && !this.#entries.has(parent.slice(1))) this.directory(parent);
    this.#entries.set(path.slice(1), { name: path.slice(1), mode, bytes, device });
  }
}
