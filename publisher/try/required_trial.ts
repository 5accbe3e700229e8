import { readIfPresent } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { UpdateTrial } from "../../shared/feed/update_trial.ts";
import { decodeTried, type TriedDraft } from "./tried.ts";
import { triedFile } from "./tried_file.ts";

/**
 * Refuses a draft that did not pass a trial as it is: with these modules, on this kernel.
 * @param path the path of the draft. The file that `try` wrote lies beside it.
 * @throws RebootlessError `untried`.
 */
export async function requireTrial(path: string, draft: KernelManifest): Promise<TriedDraft> {
  const file = triedFile(path);
  const bytes = await readIfPresent(file);
  if (bytes === undefined) throw untried(`${path} was not tried: there is no ${file}`);
  const tried = read(bytes, file);
  const fault = trialFault(tried, draft);
  if (fault === undefined) return tried;
  throw untried(`${file} ${fault}`);
}

function read(bytes: Uint8Array, file: string): TriedDraft {
  try {
    return decodeTried(bytes);
  } catch (cause) {
    throw untried(`${file} is not what \`try\` writes`, cause);
  }
}

/**
 * Adds to each update of a draft what its trial says, if the draft passed it as it is. If it did not, or was not tried, the
 * draft stays as it is.
 * @param warn called with the reason if there is a trial that does not speak for the draft.
 */
export async function withTrial(
  path: string,
  draft: KernelManifest,
  warn: (line: string) => void,
): Promise<KernelManifest> {
  const file = triedFile(path);
  const bytes = await readIfPresent(file);
  if (bytes === undefined) return draft;
  const tried = read(bytes, file);
  const fault = trialFault(tried, draft);
  if (fault !== undefined) {
    warn(`${file} ${fault}`);
    return draft;
  }
  return { ...draft, updates: draft.updates.map((update) => ({ ...update, tried: updateTrial(tried) })) };
}

const updateTrial = ({ when, kernel, machine, steps, exercise }: TriedDraft): UpdateTrial => ({
  when,
  buildId: kernel.buildId,
  engine: "qemu",
  ...machine,
  steps: steps.map(({ step }) => step),
  exercise,
});

/** Says why the result of a trial does not speak for a draft; undefined if it does. */
export function trialFault(
  { kernel, modules, verdict }: TriedDraft,
  draft: KernelManifest,
): string | undefined {
  if (kernel.buildId !== draft.kernel.buildId)
    return `is about the kernel with the build ID ${kernel.buildId}, and the draft about ${draft.kernel.buildId}`;
  const known = new Set<string>(modules.map(({ sha256 }) => sha256));
  const other = draft.updates
    .flatMap(({ module, parts }) => [module, ...parts])
    .find(({ sha256 }) => !known.has(sha256));
  if (other !== undefined)
    return `is not about this file of the module ${other.name} (SHA-256 ${other.sha256})`;
  if (verdict.verdict === "bad")
    return `says that the draft is bad, at the step ${verdict.step}: ${verdict.detail}`;
  return undefined;
}

const untried = (message: string, cause?: unknown): RebootlessError =>
  new RebootlessError("untried", message, {
    cause,
    hint: "Try the draft with `rebootless-publish try`.",
  });
