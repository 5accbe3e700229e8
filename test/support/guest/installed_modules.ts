import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import { cacheDirectory, type Kernel } from "./machine.ts";

const execFileAsync = promisify(execFile);

/** Modules (paths here by name) where the guest's modprobe looks for them, with the indexes that it reads. */
export async function installedModules(
  kernel: Kernel,
  modules: ReadonlyMap<string, string>,
): Promise<readonly GuestFile[]> {
  const root = await mkdtemp(join(cacheDirectory, "depmod-"));
  try {
    const folder = join("/lib/modules", kernel.version);
    const extra = join(folder, "extra");
    await mkdir(join(root, extra), { recursive: true });
    for (const [name, from] of modules) await copyFile(from, join(root, extra, `${name}.ko`));
    await execFileAsync("depmod", ["-b", root, kernel.version]);
    const indexes = (await readdir(join(root, folder))).filter((name) => name.startsWith("modules."));
    const paths = [
      ...[...modules.keys()].map((name) => join(extra, `${name}.ko`)),
      ...indexes.map((name) => join(folder, name)),
    ];
    return await Promise.all(
      paths.map(async (path) => ({ path, content: await readFile(join(root, path)) })),
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
