import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runOrFail } from "../../../tools/setup/run.mjs";

/**
 * This machine's own Node as a package: the release that the root is made of may have none that is new enough, and
 * dpkg must see one.
 */
export async function nodePackage(root, deb) {
  const folder = await mkdtemp(join(tmpdir(), "rebootless-nodejs-"));
  try {
    await chmod(folder, 0o755);
    await mkdir(join(folder, "DEBIAN"));
    await mkdir(join(folder, "usr/bin"), { recursive: true });
    await copyFile(join(root, "usr/bin/node"), join(folder, "usr/bin/node"));
    const fields = {
      Package: "nodejs",
      Version: process.versions.node,
      Architecture: "all",
      Maintainer: "nobody <nobody@localhost.invalid>",
      Description: "Node as this machine has it",
    };
    const control = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
    await writeFile(join(folder, "DEBIAN/control"), control.join(""));
    await runOrFail("dpkg-deb", ["-Znone", "--root-owner-group", "--build", folder, deb]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
