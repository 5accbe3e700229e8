import {
  type Config,
  configFile,
  foldersOf,
  type Places,
  provisionedRootFile,
  readConfig,
} from "../node/config/config.ts";
import { readIfPresent } from "../node/files.ts";
import { requireOwnFolders } from "../node/own_folders.ts";
import { hostVerifiers } from "../node/verifier.ts";
import { RebootlessError } from "../shared/errors.ts";
import type { KernelIdentity } from "../shared/kernel_identity.ts";
import { runningKernel } from "./host/identity.ts";
import type { Subject } from "./trust/subject.ts";
import { trustDir } from "./trust/trust_dir.ts";

/** This host: its running kernel, its configuration, and the metadata that it has verified before. */
export interface Host extends Subject {
  readonly kernel: KernelIdentity;
  readonly config: Config;
}

/** @throws RebootlessError `config` before `rebootless init`; `unsupported` where the running kernel is not Linux. */
export async function openHost(places: Places): Promise<Host> {
  requireOwnFolders(foldersOf(places));
  const kernel = runningKernel();
  const config = await readConfig(places);
  const provisionedRoot = await readIfPresent(provisionedRootFile(places));
  if (provisionedRoot === undefined) {
    throw new RebootlessError("config", `${provisionedRootFile(places)} is missing`, {
      hint: `Set the root of trust with \`rebootless init\`; ${configFile(places)} alone proves nothing.`,
    });
  }
  const directory = trustDir(places.stateDir, kernel.buildId, provisionedRoot);
  return { kernel, config, provisionedRoot, buildId: kernel.buildId, directory, verifiers: hostVerifiers() };
}
