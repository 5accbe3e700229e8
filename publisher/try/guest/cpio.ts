import { RebootlessError } from "../../../shared/errors.ts";
import { type NewcEntry, newc } from "./newc.ts";

const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const SYMLINK = 0o120000;
const CHARACTER_DEVICE = 0o020000;

const noBytes = new Uint8Array();

/**
 * Collects files and writes them as one archive. Paths are absolute; missing parent directories are added. Of two files
 * with one path, the later one wins.
 */
export class CpioWriter {
  readonly #entries = new Map<string, NewcEntry>();

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
    return newc([...this.#entries.values()]);
  }

  #add(path: string, mode: number, bytes: Uint8Array, device: readonly [number, number] = [0, 0]): void {
    if (!path.startsWith("/") || path.endsWith("/") || path.split("/").includes("..")) {
      throw new RebootlessError("usage", `not a clean absolute path: ${path}`);
    }
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "" && !this.#entries.has(parent.slice(1))) this.directory(parent);
    this.#entries.set(path.slice(1), { name: path.slice(1), mode, bytes, device });
  }
}
