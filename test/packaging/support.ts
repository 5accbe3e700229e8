import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { packages } from "../../packaging/packages.ts";
import { projectRoot } from "../support/guest/machine.ts";

export const ABOUT = { version: "0.1.0", seconds: 1_795_000_000 };

export const DEB = "rebootless_0.1.0_all.deb";
export const RPM = "rebootless-0.1.0-1.noarch.rpm";
export const TARBALL = "rebootless-0.1.0.tar.gz";

/** Needs the bundles in dist, which the suite builds first. */
export async function madePackage(name: string, about = ABOUT): Promise<Buffer> {
  const bytes = (await packages(projectRoot, about)).get(name);
  if (bytes === undefined) throw new Error(`no ${name} is made`);
  return Buffer.from(bytes);
}

/** A program's stdout; rejects unless it ends well. */
export async function output(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { stdout } = await promisify(execFile)(file, args, {
    ...options,
    timeout: 60_000,
    maxBuffer: 16 << 20,
  });
  return stdout;
}
