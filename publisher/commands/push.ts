import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { Context } from "../context.ts";
import { isFolder, readDraftFiles, readModuleFiles } from "../feed/draft_files.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { judge, requireFaultless } from "../feed/judgement.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { type PushOptions as Pushing, pushOne as publish } from "../feed/push.ts";
import { readBounded } from "../feed/read_bounded.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import { newestRoot, openWorkspace } from "../feed/workspace.ts";
import { parseExpiry } from "../keys/expiry.ts";
import { consentOrUnattended } from "./consent.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import { type KernelFingerprints, readFingerprints, withFingerprints } from "./push_fingerprints.ts";
import { pushDrafts } from "./push_many.ts";
import { pushRequest } from "./push_request.ts";
import { pushSigned } from "./push_signed.ts";

export interface PushOptions extends OpenKeysOptions {
  readonly feed: string;
  readonly module: readonly string[];
  /** The fingerprint file of the whole kernel. */
  readonly fingerprints?: string;
  readonly expires?: string;
  readonly replace: boolean;
  /** Where to write a signing request instead of signing. */
  readonly request?: string;
  /** A signing request that enough have signed. */
  readonly signed?: string;
  /** Shows what would change, and asks the edge to judge it. */
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Signs drafts on top of what the feed has for their kernels, and publishes them with their modules. */
export async function push(
  context: Context,
  dir: string,
  drafts: readonly string[],
  options: PushOptions,
): Promise<void> {
  const { clock } = context;
  const { signed, request, dryRun, replace } = options;
  const several = drafts.length > 1 || (await anyFolder(drafts));
  requireSense(options, drafts, several);
  const workspace = await openWorkspace(dir, keyringOf(context, options));
  const edge = edgeClient(options.feed, workspace, clock);
  const expires = options.expires === undefined ? undefined : parseExpiry(options.expires, clock());
  const proposing: ProposalOptions = { edge, workspace, clock, expires, replace };
  const fingerprints =
    options.fingerprints === undefined ? undefined : await readFingerprints(options.fingerprints);
  const artifacts = new Map(await readModuleFiles(options.module));
  if (fingerprints) artifacts.set(await sha256Of(fingerprints.bytes), async () => fingerprints.bytes);
  if (several || dryRun) {
    const files = await readDraftFiles(drafts);
    return pushDrafts(context, { ...proposing, artifacts, dryRun }, files, options.yes);
  }
  if (signed !== undefined) return pushSigned(context, proposing, signed, artifacts, options.feed);
  const draft = await withFingerprints(await readDraft(drafts[0], fingerprints), fingerprints);
  if (request !== undefined) return pushRequest(context, proposing, draft, request);
  return pushDraft(context, { ...proposing, artifacts, dryRun: false }, draft, options);
}

/** Throws `usage` for options that say nothing together. */
function requireSense(options: PushOptions, drafts: readonly string[], several: boolean): void {
  const { signed, request, fingerprints, dryRun } = options;
  if (signed !== undefined && (drafts.length > 0 || request !== undefined)) {
    throw new RebootlessError("usage", "--signed sends what was signed: it takes no draft and no --request");
  }
  const one = request ?? signed ?? fingerprints;
  if ((several || dryRun) && one !== undefined) {
    const what = several ? "several drafts" : "--dry-run";
    throw new RebootlessError("usage", `--request, --signed and --fingerprints do not go with ${what}`);
  }
  if (dryRun && drafts.length === 0) throw new RebootlessError("usage", "which draft?");
}

async function anyFolder(paths: readonly string[]): Promise<boolean> {
  return (await Promise.all(paths.map(isFolder))).some(Boolean);
}

/** Fingerprints may be published by themselves: they say which kernel they are of. */
async function readDraft(
  path: string | undefined,
  fingerprints: KernelFingerprints | undefined,
): Promise<KernelManifest> {
  if (path !== undefined) return decodeManifest(await readBounded(path, MAX_MANIFEST_BYTES));
  if (fingerprints) {
    const { kernel, landmarks } = fingerprints.file;
    return { kernel, landmarks, updates: [] };
  }
  throw new RebootlessError("usage", "which draft?", {
    hint: "rebootless-publish push DIR DRAFT --feed URL",
  });
}

async function pushDraft(
  context: Context,
  pushing: Omit<Pushing, "resume">,
  draft: KernelManifest,
  options: PushOptions,
): Promise<void> {
  const { terminal } = context;
  const start = performance.now();
  const { buildId, release } = draft.kernel;
  const consent = consentOf(context, pushing, options);
  const { result, bytes } = await publish(draft, { ...pushing, consent });
  const milliseconds = Math.round(performance.now() - start);
  const { version, attempts } = result;
  const updates = result.proposed?.merged.updates.length ?? 0;
  terminal.say(`published  version ${version} for ${release}, ${updates} updates`);
  terminal.say(`sent       ${bytes} bytes in ${milliseconds} ms, ${attempts} attempts`);
  terminal.say(`feed       ${new URL(feedPath(buildId), options.feed)}`);
  terminal.result("push", { build_id: buildId, version, updates, bytes, attempts, milliseconds });
}

/** What is shown to the one who pushes is judged as a request to others would be. */
function consentOf(
  context: Context,
  { edge, workspace, clock }: ProposalOptions,
  { yes }: PushOptions,
): Pushing["consent"] {
  return async (proposed) => {
    const request = await targetsRequest(workspace, edge, proposed);
    const judgement = await judge(request, await newestRoot(workspace), clock());
    requireFaultless(judgement);
    await consentOrUnattended(context, judgement, yes);
  };
}
