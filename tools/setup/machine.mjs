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
import { fetchKernels, planElsewhere, planKernels, seriesElsewhere } from "./kernels.mjs";
import { progress, SetupError } from "./run.mjs";
import { suitesApt } from "./suites.mjs";

/** The packages that are needed to boot a guest and to build its modules, in addition to those that the headers ask for. */
const GUEST = ["qemu-system-x86", "busybox-static", "kmod", "make", "libc-bin", "util-linux", "xz-utils"];
/** The packages with the programs that docs/verify-by-hand.md uses, which a test runs. */
const BY_HAND = ["curl", "jq", "openssl", "xxd"];
const PACKAGES = [...GUEST, ...BY_HAND];

/** Makes sure that a guest can be booted here, once there is a kernel. */
export const ensureGuestPrograms = async () => await ensurePackages(GUEST);

/** The kernels of the tests, and those of the proofs, which are two of each series that this machine's apt offers. */
const TESTED = ["primary", "secondary", "other"];
const PROVEN = [...TESTED, "further"];

/**
 * Which kernels are fetched: `roles` from this machine's own apt, and so many of those that only Debian's other suites
 * have, the newest first. Each has what the ones before it have.
 */
const SCOPES = {
  own: { roles: TESTED, elsewhere: 0 },
  newest: { roles: TESTED, elsewhere: 1 },
  series: { roles: PROVEN, elsewhere: Number.POSITIVE_INFINITY },
};

/** Tells whether what was fetched for one scope has all that another one needs. */
const covers = (had, wanted) => {
  const names = Object.keys(SCOPES);
  return names.indexOf(had) >= names.indexOf(wanted);
};

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
async function prepare(cache, scope) {
  return await retryWithNewLists(async () => {
    const { roles, elsewhere } = SCOPES[scope];
    const own = await planKernels(roles);
    const plans = elsewhere === 0 ? own : [...own, ...(await plannedElsewhere(cache, own, elsewhere))];
    const packages = [...new Set([...PACKAGES, ...plans.flatMap((plan) => plan.tools)])];
    await ensurePackages(packages);
    const kernels = await fetchKernels(plans, join(cache, "kernels"));
    return { scope, kernels, packages, lists: await listsStamp() };
  });
}

async function plannedElsewhere(cache, own, count) {
  const apt = await suitesApt(cache);
  const kernels = await seriesElsewhere(
    apt,
    own.map(({ series }) => series),
  );
  return await planElsewhere(apt, kernels.slice(0, count));
}

/** Returns what an earlier run wrote, if everything in it still exists and nothing is missing. */
async function readEarlier(file, scope) {
  const machine = await remembered(file);
  if (machine === undefined || !covers(machine.scope, scope)) return undefined;
  return (await missingPackages(machine.packages)).length > 0 ? undefined : machine;
}

/**
 * Finds packages and kernels. It asks apt again only if its lists changed. Without a network, it uses what was
 * fetched earlier.
 */
async function findMachine(cache, file, scope) {
  const earlier = await readEarlier(file, scope);
  if (earlier !== undefined && earlier.lists === (await listsStamp())) return earlier;
  try {
    await completeLists();
    return await prepare(cache, scope);
  } catch (error) {
    if (earlier === undefined || !(error instanceof SetupError)) throw error;
    progress(`${error.message}; using the kernels fetched earlier`);
    return earlier;
  }
}

async function ensureKernels(root, name, scope) {
  const cache = join(root, ".cache");
  const file = join(cache, name);
  await mkdir(cache, { recursive: true });
  await requireDebian();
  const machine = await findMachine(cache, file, scope);
  await writeFile(`${file}.tmp`, `${JSON.stringify(machine, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
  for (const { role, version } of machine.kernels) progress(`${role} kernel: ${version}`);
  return machine;
}

/**
 * Makes sure that guests can be booted here: packages, kernels and headers. Writes .cache/machine.json and returns
 * it. Its `kernels` are [{version, series, role, vmlinuz, modules, headers}]; test/support/guest/machine.ts reads it.
 */
export const ensureMachine = async (root) => await ensureKernels(root, "machine.json", "own");

/** Does the same, with the newest kernel of Debian's other suites. */
export const ensureNewestMachine = async (root) => await ensureKernels(root, "machine.json", "newest");

/**
 * Does the same with the kernels that only the proofs boot, in .cache/proof.json: besides more of this machine's own, one
 * of each series in Debian's other suites.
 */
export const ensureProofMachine = async (root) => await ensureKernels(root, "proof.json", "series");
