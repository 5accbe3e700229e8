import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import { draftChanges } from "../feed/draft_change.ts";
import {
  type DraftFile,
  decodeDraft,
  isFolder,
  readDraftFiles,
  readModuleFiles,
} from "../feed/draft_files.ts";
import { edgeClient } from "../feed/edge_client.ts";
import type { ProposalOptions, Proposed } from "../feed/proposal.ts";
import { newestOwnRoot, openPublisherFolder } from "../feed/publisher_folder.ts";
import { type PushChangesOptions as Pushing, pushOne as publish } from "../feed/push.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import { parseExpiry } from "../keys/expiry.ts";
import { requireTrial, withTrial } from "../try/required_trial.ts";
import { consentOrUnattended } from "./consent.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import { type KernelFingerprints, readFingerprints, withFingerprints } from "./push_fingerprints.ts";
import { pushDrafts } from "./push_many.ts";
import { pushRequest } from "./push_request.ts";
import { pushSigned } from "./push_signed.ts";
import { pushCounted } from "./tally.ts";

export interface PushOptions extends OpenKeysOptions {
  readonly feed: string;
  readonly module: readonly string[];
  /** The path of the fingerprint file of the whole kernel. */
  readonly fingerprints?: string;
  readonly expires?: string;
  readonly replace: boolean;
  /** The file to which a signing request is written instead of signing. */
  readonly request?: string;
  /** The file of a signing request that has enough signatures. */
  readonly signed?: string;
  /** True if only drafts are published that passed `try` as they are. */
  readonly requireTried: boolean;
  /** True if the command only shows what would change and asks the edge whether it would accept it. */
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Adds drafts to what the feed has for their kernels, signs the result, and publishes it with the modules. */
export async function push(
  context: PublisherContext,
  dir: string,
  drafts: readonly string[],
  options: PushOptions,
): Promise<void> {
  const { clock } = context;
  const { signed, request, dryRun, replace } = options;
  const several = drafts.length > 1 || (await anyFolder(drafts));
  requireSense(options, drafts, several);
  const folder = await openPublisherFolder(dir, keyringOf(context, options));
  const edge = edgeClient(options.feed, folder, clock);
  const expires = options.expires === undefined ? undefined : parseExpiry(options.expires, clock());
  const proposing: ProposalOptions = { edge, folder, clock, expires, replace };
  const fingerprints =
    options.fingerprints === undefined ? undefined : await readFingerprints(options.fingerprints);
  const artifacts = new Map(await readModuleFiles(options.module));
  if (fingerprints) artifacts.set(sha256Of(fingerprints.bytes), async () => fingerprints.bytes);
  const pushing = { ...proposing, artifacts, dryRun };
  const files = several ? triedFiles(context, await readDraftFiles(drafts)) : [];
  if (options.requireTried) await requireTrials(several ? files.map(({ path }) => path) : drafts);
  if (several) return pushDrafts(context, pushing, files, options.yes);
  if (signed !== undefined) return pushSigned(context, proposing, signed, artifacts, options.feed);
  const draft = await withFingerprints(await readDraft(context, drafts[0], fingerprints), fingerprints);
  if (request !== undefined) return pushRequest(context, proposing, draft, request);
  const consent = consentOf(context, proposing, options);
  if (dryRun) return tryDraft(context, { ...pushing, consent }, draft, drafts[0]);
  return pushDraft(context, { ...pushing, consent }, draft, options.feed);
}

/** Returns the drafts with what their trials say about them. */
const triedFiles = ({ warn }: PublisherContext, files: readonly DraftFile[]): readonly DraftFile[] =>
  files.map((file) => ({ ...file, read: async () => withTrial(file.path, await file.read(), warn) }));

/** Refuses drafts that did not pass a trial, before any of them is signed. @throws RebootlessError `untried`. */
async function requireTrials(paths: readonly string[]): Promise<void> {
  for (const path of paths)
    await requireTrial(path, decodeDraft(await readNamed(path, MAX_MANIFEST_BYTES), path));
}

/** Refuses options that do not go together. @throws RebootlessError `usage`. */
function requireSense(options: PushOptions, drafts: readonly string[], several: boolean): void {
  const { signed, request, fingerprints, dryRun, requireTried } = options;
  if (signed !== undefined && (drafts.length > 0 || request !== undefined)) {
    throw new RebootlessError(
      "usage",
      "--signed publishes a request that was signed, so it takes no draft and no --request",
    );
  }
  if (requireTried && drafts.length === 0) {
    throw new RebootlessError("usage", "--require-tried needs drafts, because their trials lie beside them");
  }
  if (dryRun && (request ?? signed) !== undefined) {
    throw new RebootlessError("usage", "--request and --signed cannot be combined with --dry-run");
  }
  if (several && (request ?? signed ?? fingerprints) !== undefined) {
    throw new RebootlessError(
      "usage",
      "--request, --signed and --fingerprints cannot be combined with several drafts",
    );
  }
}

async function anyFolder(paths: readonly string[]): Promise<boolean> {
  return (await Promise.all(paths.map(isFolder))).some(Boolean);
}

/**
 * Reads the draft. If there is none, fingerprints can be published by themselves, because their file says which kernel
 * they are of. @throws RebootlessError `usage` if there is neither.
 */
async function readDraft(
  { warn }: PublisherContext,
  path: string | undefined,
  fingerprints: KernelFingerprints | undefined,
): Promise<KernelManifest> {
  if (path !== undefined)
    return withTrial(path, decodeDraft(await readNamed(path, MAX_MANIFEST_BYTES), path), warn);
  if (fingerprints) {
    const { kernel, landmarks } = fingerprints.file;
    return { kernel, landmarks, updates: [] };
  }
  throw new RebootlessError("usage", "no draft is given", {
    hint: "rebootless-publish push DIR DRAFT --feed URL",
  });
}

async function pushDraft(
  { terminal }: PublisherContext,
  pushing: Pushing,
  draft: KernelManifest,
  feed: string,
): Promise<void> {
  const start = performance.now();
  const { buildId, release } = draft.kernel;
  const { result, bytes } = await publish(draft, pushing);
  const milliseconds = Math.round(performance.now() - start);
  const { version, attempts, outcome } = result;
  const updates = result.proposed?.merged.updates.length ?? 0;
  if (outcome === "unchanged") {
    terminal.say(
      `nothing to publish: version ${version} for ${release}, which is in force, already contains all of it`,
    );
  } else {
    terminal.say(`published  version ${version} for ${release}, ${counted(updates, "update")}`);
    terminal.say(
      `sent       ${counted(bytes, "byte")} in ${milliseconds} ms, ${counted(attempts, "attempt")}`,
    );
  }
  terminal.say(`feed       ${new URL(feedPath(buildId), feed)}`);
  terminal.result("push", { build_id: buildId, outcome, version, updates, bytes, attempts, milliseconds });
}

/** Does everything that `pushDraft` does, except the publishing. @param path the path of the draft, if it is in a file. */
async function tryDraft(
  context: PublisherContext,
  pushing: Pushing,
  draft: KernelManifest,
  path: string | undefined,
): Promise<void> {
  const { kernel } = draft;
  const counted = { buildId: kernel.buildId, kernel, ...(path !== undefined && { path }) };
  const changes = draftChanges([{ ...counted, size: 0, read: async () => draft }], pushing);
  context.terminal.result("push", await pushCounted(context, [counted], changes, pushing));
}

/** Returns the function that asks for consent. It checks what it shows in the same way as a signing request to others. */
function consentOf(
  context: PublisherContext,
  { edge, folder, clock }: ProposalOptions,
  { yes }: PushOptions,
): (proposed: Proposed) => Promise<void> {
  return async (proposed) => {
    const request = await targetsRequest(folder, edge, proposed);
    const checked = await checkRequest(request, await newestOwnRoot(folder), clock());
    requireFaultless(checked);
    await consentOrUnattended(context, checked, yes);
  };
}
