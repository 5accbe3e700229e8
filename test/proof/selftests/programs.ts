import { readFile } from "node:fs/promises";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import { sharedLibraries } from "../../../publisher/try/guest/shared_libraries.ts";

/** What the scripts call with options that busybox does not know. They call `stat` by its path in /bin. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ["/usr/bin/bash", "/bin/bash"],
  ["/usr/bin/comm", "/usr/bin/comm"],
  ["/usr/bin/diff", "/usr/bin/diff"],
  ["/usr/bin/grep", "/usr/bin/grep"],
  ["/usr/bin/mktemp", "/usr/bin/mktemp"],
  ["/usr/bin/stat", "/bin/stat"],
  ["/usr/sbin/sysctl", "/usr/sbin/sysctl"],
  // kmod is one program by four names.
  ["/usr/bin/kmod", "/usr/sbin/modprobe"],
  ["/usr/sbin/modinfo", "/usr/sbin/modinfo"],
  ["/usr/sbin/insmod", "/usr/sbin/insmod"],
  ["/usr/sbin/rmmod", "/usr/sbin/rmmod"],
]);

/** Programs of this machine for the guest, with their libraries. */
export async function programFiles(): Promise<readonly GuestFile[]> {
  const files: GuestFile[] = [];
  const libraries = new Set<string>();
  for (const [path, inGuest] of PROGRAMS) {
    files.push({ path: inGuest, content: await readFile(path), mode: 0o755 });
    for (const library of await sharedLibraries(path)) libraries.add(library);
  }
  for (const library of libraries)
    files.push({ path: library, content: await readFile(library), mode: 0o755 });
  return files;
}
