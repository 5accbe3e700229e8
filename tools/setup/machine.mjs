import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  completeLists,
  ensurePackages,
  listsStamp,
  missingPackages,
  requireDebian,
  retryWithNewLists,
} from "./apt.mjs";
import { fetchKernels, planKernels, planSeries } from "./kernels.mjs";
import { progress, SetupError } from "./run.mjs";
import { suitesApt } from "./suites.mjs";

/** The packages that are needed to boot a guest and to build its modules, in addition to those that the headers ask for. */
const GUEST = ["qemu-system-x86", "busybox-static", "kmod", "make", "libc-bin", "util-linux", "xz-utils"];
/** The packages with the programs that docs/verify-by-hand.md uses, which a test runs. */
const BY_HAND = ["curl", "jq", "openssl", "xxd"];
const PACKAGES = [...GUEST, ...BY_HAND];

/** The kernels of the tests, and those of the proofs, which are two of each series that this machine's apt offers. */
const TESTED = ["primary", "secondary", "other"];
const PROVEN = [...TESTED, "further"];

async function remembered(file) {
  try {
    const machine = JSON.parse(await readFile(file, "utf8"));
    const paths = machine.kernels.flatMap((kernel) =>
      [kernel.vmlinuz, kernel.modules, kernel.headers ?? []].flat(),
    );
    return paths.every((path) => existsSync(path)) ? machine : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Prepares everything, or fails. On failure it tries once more with new package lists, because old ones name files
 * that mirrors no longer have.
 */
async function prepare(cache, roles, withSeries) {
  return await retryWithNewLists(async () => {
    const own = await planKernels(roles);
    const known = own.map(({ series }) => series);
    const plans = withSeries ? [...own, ...(await planSeries(await suitesApt(cache), known))] : own;
    const packages = [...new Set([...PACKAGES, ...plans.flatMap((plan) => plan.tools)])];
    await ensurePackages(packages);
    const kernels = await fetchKernels(plans, join(cache, "kernels"));
    return { kernels, packages, lists: await listsStamp() };
  });
}

/** Returns what an earlier run wrote, if everything in it still exists. */
async function readEarlier(file) {
  const machine = await remembered(file);
  if (machine === undefined || (await missingPackages(machine.packages)).length > 0) return undefined;
  return machine;
}

/**
 * Finds packages and kernels. It asks apt again only if its lists changed. Without a network, it uses what was
 * fetched earlier.
 */
async function findMachine(cache, file, roles, withSeries) {
  const earlier = await readEarlier(file);
  if (earlier !== undefined && earlier.lists === (await listsStamp())) return earlier;
  try {
    await completeLists();
    return await prepare(cache, roles, withSeries);
  } catch (error) {
    if (earlier === undefined || !(error instanceof SetupError)) throw error;
    progress(`${error.message}; using the kernels fetched earlier`);
    return earlier;
  }
}

async function ensureKernels(root, name, roles, withSeries) {
  const cache = join(root, ".cache");
  const file = join(cache, name);
  await mkdir(cache, { recursive: true });
  await requireDebian();
  const machine = await findMachine(cache, file, roles, withSeries);
  await writeFile(`${file}.tmp`, `${JSON.stringify(machine, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
  for (const { role, version } of machine.kernels) progress(`${role} kernel: ${version}`);
  return machine;
}

/**
 * Makes sure that guests can be booted here: packages, kernels and headers. Writes .cache/machine.json and returns
 * it. Its `kernels` are [{version, series, role, vmlinuz, modules, headers}]; test/support/guest/machine.ts reads it.
 */
export const ensureMachine = async (root) => await ensureKernels(root, "machine.json", TESTED, false);

/**
 * Does the same with the kernels that only the proof of run-pre matching boots, in .cache/proof.json: besides more of this
 * machine's own, one of each series in Debian's other suites.
 */
export const ensureProofMachine = async (root) => await ensureKernels(root, "proof.json", PROVEN, true);
