import { RebootlessError } from "../../shared/errors.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_ARTIFACT_BYTES, MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { Context } from "../context.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { judge, requireFaultless } from "../feed/judgement.ts";
import { type PushOptions as Pushing, push as publish } from "../feed/push.ts";
import { readBounded } from "../feed/read_bounded.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import { newestRoot, openWorkspace } from "../feed/workspace.ts";
import { parseExpiry } from "../keys/expiry.ts";
import { Keyring } from "../keys/keyring.ts";
import { type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";
import { consentOrUnattended } from "./consent.ts";
import { type KernelFingerprints, readFingerprints, withFingerprints } from "./push_fingerprints.ts";
import { pushRequest } from "./push_request.ts";
import { pushSigned } from "./push_signed.ts";

export interface PushOptions extends PassphraseOptions {
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
  readonly yes: boolean;
}

/** Signs a draft on top of what the feed has for its kernel, and publishes it with its modules. */
export async function push(
  context: Context,
  dir: string,
  draftFile: string | undefined,
  options: PushOptions,
): Promise<void> {
  const { clock, prompt } = context;
  const workspace = await openWorkspace(dir, new Keyring(passphraseSource(options, prompt)));
  const modules = await Promise.all(options.module.map((path) => readBounded(path, MAX_ARTIFACT_BYTES)));
  const fingerprints =
    options.fingerprints === undefined ? undefined : await readFingerprints(options.fingerprints);
  const artifacts = fingerprints ? [...modules, fingerprints.bytes] : modules;
  const edge = edgeClient(options.feed, workspace, clock);
  const expires = options.expires === undefined ? undefined : parseExpiry(options.expires, clock());
  const pushing: Pushing = { edge, workspace, clock, expires, replace: options.replace };
  const { signed, request } = options;
  if (signed !== undefined && (draftFile !== undefined || request !== undefined)) {
    throw new RebootlessError("usage", "--signed sends what was signed: it takes no draft and no --request");
  }
  if (signed !== undefined) return pushSigned(context, pushing, signed, artifacts, options.feed);
  const draft = await withFingerprints(await readDraft(draftFile, fingerprints), fingerprints);
  if (request !== undefined) return pushRequest(context, pushing, draft, request);
  return pushDraft(
    context,
    { ...pushing, consent: consentOf(context, pushing, options) },
    draft,
    artifacts,
    options,
  );
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
  { terminal }: Context,
  pushing: Pushing,
  draft: KernelManifest,
  artifacts: readonly Uint8Array[],
  { feed }: PushOptions,
): Promise<void> {
  const start = performance.now();
  const pushed = await publish(draft, artifacts, pushing);
  const milliseconds = Math.round(performance.now() - start);
  const { buildId, release } = draft.kernel;
  terminal.say(`published  version ${pushed.version} for ${release}, ${pushed.updates} updates`);
  terminal.say(`sent       ${pushed.bytes} bytes in ${milliseconds} ms, ${pushed.attempts} attempts`);
  terminal.say(`feed       ${new URL(feedPath(buildId), feed)}`);
  terminal.result("push", { build_id: buildId, ...pushed, milliseconds });
}

/** What is shown to the one who pushes is judged as a request to others would be. */
function consentOf(
  context: Context,
  { edge, workspace, clock }: Pushing,
  { yes }: PushOptions,
): Pushing["consent"] {
  return async (proposed) => {
    const request = await targetsRequest(workspace, edge, proposed);
    const judgement = await judge(request, await newestRoot(workspace), clock());
    requireFaultless(judgement);
    await consentOrUnattended(context, judgement, yes);
  };
}
