import { readFile } from "node:fs/promises";
import { mustRun } from "../../../node/processes.ts";
import type { CpioWriter } from "./cpio.ts";
import { BUSYBOX, FLOCK } from "./required_programs.ts";
import { sharedLibraries } from "./shared_libraries.ts";

/** What a host has beside busybox, by its path here and in the guest. The loader and the libraries keep their paths. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  [process.execPath, "/usr/bin/node"],
  [FLOCK, FLOCK],
]);

/** Adds busybox with a link for each of its commands, Node, and what the client calls beside them. */
export async function addPrograms(cpio: CpioWriter): Promise<void> {
  cpio.file(BUSYBOX, await readFile(BUSYBOX), 0o755);
  for (const applet of (await mustRun(BUSYBOX, ["--list"])).split("\n"))
    if (applet !== "" && applet !== "busybox") cpio.symlink(`/bin/${applet}`, BUSYBOX);
  const libraries = new Set<string>();
  for (const [path, inGuest] of PROGRAMS) {
    cpio.file(inGuest, await readFile(path), 0o755);
    for (const library of await sharedLibraries(path)) libraries.add(library);
  }
  for (const library of libraries) cpio.file(library, await readFile(library), 0o755);
}
