import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";

/** busybox in a guest and here. It must be linked statically, because it runs before anything else is there. */
export const BUSYBOX = "/bin/busybox";
export const FLOCK = "/usr/bin/flock";

/** The programs that booting a guest needs, by the Debian packages that have them. A path is looked for as it is. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ["qemu-system-x86_64", "qemu-system-x86"],
  [BUSYBOX, "busybox-static"],
  [FLOCK, "util-linux"],
  ["setpriv", "util-linux"],
  ["ldd", "libc-bin"],
];

/** Refuses a machine that cannot boot guests. @throws RebootlessError `unsupported` that names the Debian packages. */
export async function requirePrograms(): Promise<void> {
  const present = await Promise.all(PROGRAMS.map(([program]) => isPresent(program)));
  const missing = PROGRAMS.filter((_, index) => present[index] !== true);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))];
  throw new RebootlessError(
    "unsupported",
    `guests cannot be booted here without ${missing.map(([program]) => program).join(", ")}`,
    { hint: `On Debian: apt install ${packages.join(" ")}` },
  );
}

async function isPresent(program: string): Promise<boolean> {
  const folders = program.startsWith("/") ? [""] : (process.env["PATH"] ?? "").split(":");
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
