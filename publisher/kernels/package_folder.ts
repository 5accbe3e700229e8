import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type AptPackage, parseStanzas } from "../apt/packages.ts";
import { debControl } from "../kernel_files/deb.ts";
import { MAX_INPUT_BYTES } from "../kernel_files/input.ts";
import { rpmName } from "../kernel_files/rpm.ts";
import { kernelsAmong } from "./apt_kernels.ts";
import { type RpmPackage, rpmKernelsAmong } from "./rpm_kernels.ts";
import type { OfferedKernel } from "./served_kernel.ts";

const MAX_FILES = 100_000;
const KERNEL_FILE =
  /^(?:linux-(?:image|binary|modules|headers|source)-.*\.deb|kernel-(?:core|modules|default)-.*\.rpm)$/;

/**
 * Returns the kernels whose packages lie in a folder, or in folders below it.
 * @throws RebootlessError `usage` for a folder that is not there, `limit`. @throws ParseError for a damaged package.
 */
export async function kernelsInFolder(folder: string): Promise<readonly OfferedKernel[]> {
  const debs: AptPackage[] = [];
  const rpms: RpmPackage[] = [];
  for (const path of await packagePaths(folder)) {
    const bytes = await readNamed(join(folder, path), MAX_INPUT_BYTES);
    const file = basename(path);
    const sha256 = sha256Of(bytes);
    if (file.endsWith(".deb")) {
      const where = [`Filename: ${path}`, `Size: ${bytes.length}`, `SHA256: ${sha256}`];
      debs.push(...parseStanzas([(await debControl(bytes)).trim(), ...where].join("\n")));
    } else {
      const named = rpmName(bytes);
      const version = `${named.version}-${named.release}`;
      const listed = { package: named.name, version, file, bytes: bytes.length, sha256: sha256Hex(sha256) };
      rpms.push({ ...named, file: listed });
    }
  }
  return [...kernelsAmong(debs), ...rpmKernelsAmong(rpms)];
}

/** Returns the path of a file of a kernel's packages in a folder, or below it. */
export async function pathInFolder(folder: string, file: string): Promise<string | undefined> {
  const path = (await packagePaths(folder)).find((one) => basename(one) === file);
  return path === undefined ? undefined : join(folder, path);
}

async function packagePaths(folder: string): Promise<readonly string[]> {
  const paths = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read the folder ${folder}`, { cause });
  });
  const own = paths.filter((path) => KERNEL_FILE.test(basename(path))).sort();
  if (own.length > MAX_FILES)
    throw new RebootlessError("limit", `${folder} has more than ${MAX_FILES} packages`);
  return own;
}
