import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "../../node/processes.ts";

/**
 * Makes a binary package with rpmbuild. It is not signed: its distributor signs it (`rpmsign --addsign`).
 *
 * @param out the folder for the package, which gets the name that rpmbuild chooses.
 * @param work an empty folder.
 * @param tarball the source, under the name that the spec file has for it.
 */
export async function writeRpm(
  out: string,
  work: string,
  spec: string,
  tarball: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const define = (name: string, value: string) => ["--define", `${name} ${value}`];
  await mkdir(join(work, "tmp"));
  const folders = [
    ...define("_topdir", work),
    ...define("_sourcedir", join(tarball, "..")),
    ...define("_tmppath", join(work, "tmp")),
  ];
  const built = [...define("_rpmdir", join(work, "built")), ...define("_rpmfilename", "rebootless.rpm")];
  await mustRun("rpmbuild", ["-bb", ...folders, ...built, spec], { env });
  await copyFile(join(work, "built/rebootless.rpm"), out);
}
