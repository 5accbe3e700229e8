import assert from "node:assert/strict";
import { join } from "node:path";
import { withPackages } from "../../publisher/commands/kernels_options.ts";
import { type BuildPaths, buildPaths, kernelPaths } from "../../publisher/kernels/kernel_paths.ts";
import { readKernelsFile } from "../../publisher/kernels/kernels_file.ts";
import { cacheDirectory } from "../../test/support/guest/machine.ts";
import { measured } from "./measured.ts";
import { type BuildList, PUBLISH } from "./runs.ts";

/** Lists kernels of this machine's apt by the publisher's own commands, and fetches their packages. */
export async function servedBuilds(
  releases: readonly string[],
  work: string,
  progress: (line: string) => void,
): Promise<{ readonly list: BuildList; readonly builds: readonly BuildPaths[] }> {
  const file = join(work, "kernels.toml");
  const packages = join(cacheDirectory, "create/packages");
  const command = (...args: readonly string[]) => measured(process.execPath, [PUBLISH, "kernels", ...args]);
  await command("add", "apt", ...releases.flatMap((release) => ["--release", release]), "-f", file);
  await command("sync", "-f", file, "--package-cache", packages);
  const { kernels, archives } = await readKernelsFile(file);
  const chosen = releases.map((release) => kernels.find((kernel) => kernel.release === release));

  return await withPackages({ packageCache: packages }, progress, async (tools) => {
    const found = chosen.flatMap((kernel) => kernel ?? []);
    assert.equal(found.length, releases.length, "the archive has every kernel that was asked for");
    const paths = await kernelPaths(found, archives, tools, buildPaths);
    return {
      list: { file, packages, releases },
      builds: found.flatMap((kernel) => paths.get(kernel) ?? []),
    };
  });
}
