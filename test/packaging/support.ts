import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Format, writePackages } from "../../packaging/packages.ts";
import { projectRoot } from "../support/guest/machine.ts";

export const ABOUT = { version: "0.1.0", seconds: 1_750_000_000 };

/** Makes a package in a folder, and returns its path. Needs the bundles in dist, which the suite builds first. */
export async function makePackage(folder: string, format: Format, about = ABOUT): Promise<string> {
  await mkdir(folder, { recursive: true });
  const names = await writePackages(projectRoot, folder, about, [format]);
  return join(folder, names.at(-1) ?? "");
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
