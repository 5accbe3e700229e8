import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The size of the disk in bytes. */
const DISK_BYTES = 64 << 20;

/** An empty disk for the first of a guest's disks, which the load makes file systems on. */
export class LoadDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), "rebootless-disk-"));
  readonly path: string = join(this.#folder, "disk");

  constructor() {
    const disk = openSync(this.path, "w");
    ftruncateSync(disk, DISK_BYTES);
    closeSync(disk);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
