import { access, readFile } from "node:fs/promises";
import { mustRun } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { CpioWriter } from "./cpio.ts";
import { sharedLibraries } from "./shared_libraries.ts";

/** A program of this machine that a guest gets, and the Debian package that has it. */
interface GuestProgram {
  readonly path: string;
  readonly inGuest: string;
  readonly debianPackage: string;
}

/** It must be linked statically: it is there before any library can be. */
const BUSYBOX: GuestProgram = {
  path: "/bin/busybox",
  inGuest: "/bin/busybox",
  debianPackage: "busybox-static",
};

/** What a host has beside busybox. The loader and the libraries keep their paths. */
const PROGRAMS: readonly GuestProgram[] = [
  { path: process.execPath, inGuest: "/usr/bin/node", debianPackage: "nodejs" },
  { path: "/usr/bin/flock", inGuest: "/usr/bin/flock", debianPackage: "util-linux" },
];

/**
 * Adds busybox with a link for each of its commands, Node, and what the client calls beside them.
 * @throws RebootlessError `unsupported`, with the name of the Debian package, for a program that is not installed.
 */
export async function addPrograms(cpio: CpioWriter): Promise<void> {
  await requirePresent(BUSYBOX);
  cpio.file(BUSYBOX.inGuest, await readFile(BUSYBOX.path), 0o755);
  for (const applet of (await mustRun(BUSYBOX.path, ["--list"])).split("\n"))
    if (applet !== "" && applet !== "busybox") cpio.symlink(`/bin/${applet}`, BUSYBOX.inGuest);
  const libraries = new Set<string>();
  for (const program of PROGRAMS) {
    await requirePresent(program);
    cpio.file(program.inGuest, await readFile(program.path), 0o755);
    for (const library of await sharedLibraries(program.path)) libraries.add(library);
  }
  for (const library of libraries) cpio.file(library, await readFile(library), 0o755);
}

async function requirePresent({ path, debianPackage }: GuestProgram): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new RebootlessError("unsupported", `a guest needs ${path}, and this machine does not have it`, {
      cause,
      hint: `On Debian: apt install ${debianPackage}`,
    });
  });
}
