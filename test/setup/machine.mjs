import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensurePackages, requireDebian, retryWithNewLists } from "./apt.mjs";
import { fetchKernels, planKernels } from "./kernels.mjs";
import { progress, SetupError } from "./run.mjs";

/** Debian packages that booting a guest and building its modules takes, beside what the headers ask for. */
const PACKAGES = ["qemu-system-x86", "busybox-static", "kmod", "make", "libc-bin", "util-linux", "xz-utils"];

async function remembered(file) {
  try {
    const machine = JSON.parse(await readFile(file, "utf8"));
    const paths = machine.kernels.flatMap((kernel) => [kernel.vmlinuz, kernel.modules, kernel.headers ?? []].flat());
    return paths.every((path) => existsSync(path)) ? machine : undefined;
  } catch {
    return undefined;
  }
}

async function prepare(cache) {
  const plans = await planKernels();
  await ensurePackages([...PACKAGES, ...plans.flatMap((plan) => plan.tools)]);
  return await fetchAll(plans, cache);
}

async function fetchAll(plans, cache) {
  let current = plans;
  return await retryWithNewLists(async () => {
    try {
      return await fetchKernels(current, join(cache, "kernels"));
    } catch (error) {
      // What the old lists named may be gone from the mirror: plan again once the lists are new.
      current = [];
      throw error;
    } finally {
      if (current.length === 0) current = plans;
    }
  });
}

/**
 * Makes sure that guests can be booted here: packages, kernels and headers. Writes .cache/machine.json and returns it.
 * Without a network, what an earlier run fetched is used.
 */
export async function ensureMachine(root) {
  const cache = join(root, ".cache");
  const file = join(cache, "machine.json");
  await mkdir(cache, { recursive: true });
  await requireDebian();
  const machine = await prepare(cache).then(
    (kernels) => ({ kernels }),
    async (error) => {
      const earlier = error instanceof SetupError ? await remembered(file) : undefined;
      if (earlier === undefined) throw error;
      progress(`${error.message}; using the kernels fetched earlier`);
      return earlier;
    },
  );
  await writeFile(`${file}.tmp`, `${JSON.stringify(machine, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
  for (const { role, version } of machine.kernels) progress(`${role} kernel: ${version}`);
  return machine;
}
