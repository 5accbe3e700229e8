import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readIfPresent, readNamed } from "../../node/files.ts";
import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Update } from "../../shared/feed/update.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import { currentManifest } from "../feed/current.ts";
import { decodeDraft, readModuleFiles } from "../feed/draft_files.ts";
import { merge, type ProposalOptions, type Proposed, propose } from "../feed/proposal.ts";
import { publishSigned } from "../feed/publish_signed.ts";
import { newestOwnRoot } from "../feed/publisher_folder.ts";
import { pushOne } from "../feed/push.ts";
import { isMet } from "../feed/signatures.ts";
import type { TargetsRequest } from "../feed/signing_request.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import type { KernelFeed, LeftRequest, OfferedUpdate } from "../follow/publication.ts";
import type { FollowTools, PushOutcome, ReadyDraft } from "../follow/tools.ts";
import { requireTrial, withTrial } from "../try/required_trial.ts";
import { readTargetsRequest, rewriteRequest } from "./request_file.ts";

type PublishTools = Pick<
  FollowTools,
  "updateOf" | "feedOf" | "requestOf" | "push" | "pushSigned" | "request" | "tidy"
>;

/** Returns what publishes drafts, and what asks others to sign them. @param folder the folder of the state. */
export function publishTools(
  { clock, warn }: PublisherContext,
  proposing: ProposalOptions,
  folder: string,
): PublishTools {
  const place = (path: string): string => join(folder, path);
  const { edge } = proposing;
  const modulesBeside = (drafts: readonly ReadyDraft[]) =>
    readModuleFiles([...new Set(drafts.map(({ draft }) => dirname(place(draft))))]);

  /** Reads drafts of one kernel as one. Each of them must have passed its trial as it is. */
  async function draftOf(drafts: readonly ReadyDraft[]): Promise<KernelManifest> {
    let all: KernelManifest | undefined;
    for (const { draft: name, supersedes } of drafts) {
      const path = place(name);
      const draft = await readDraft(path);
      await requireTrial(path, draft);
      all = merge(all, superseding(await withTrial(path, draft, warn), supersedes));
    }
    if (all === undefined) throw new RangeError("no draft to publish");
    return all;
  }

  /** Refuses what a signer would refuse. */
  async function consent(proposed: Proposed): Promise<void> {
    const request = await targetsRequest(proposing.folder, edge, proposed);
    requireFaultless(await checkRequest(request, await newestOwnRoot(proposing.folder), clock()));
  }

  async function leftRequest(request: TargetsRequest): Promise<LeftRequest> {
    const { quorums, faults } = await checkRequest(request, await newestOwnRoot(proposing.folder), clock());
    return {
      base: request.base,
      updates: decodeManifest(request.manifest).updates.map(offeredUpdate),
      complete: faults.length === 0 && quorums.every(isMet),
    };
  }

  return {
    updateOf: async (draft) => {
      const [update, ...others] = (await readDraft(place(draft))).updates;
      if (update === undefined || others.length > 0)
        throw new RebootlessError("parse", `${draft} is not the draft of one update`);
      return offeredUpdate(update);
    },
    feedOf: async (kernel: BuildId): Promise<KernelFeed> => {
      const { version, manifest } = await currentManifest(edge, proposing.folder, kernel);
      return { version, updates: (manifest?.updates ?? []).map(offeredUpdate) };
    },
    requestOf: async (path) => {
      if ((await readIfPresent(place(path))) === undefined) return undefined;
      try {
        return await leftRequest(await readTargetsRequest(place(path)));
      } catch (error) {
        // Whatever lies there, and does not verify: it is made anew.
        if (error instanceof RebootlessError && error.code !== "io") return undefined;
        throw error;
      }
    },
    push: async (_, drafts) => {
      const draft = await draftOf(drafts);
      const artifacts = await modulesBeside(drafts);
      return outcomeOf(() => pushOne(draft, { ...proposing, artifacts, dryRun: false, consent }));
    },
    pushSigned: async (path, drafts) => {
      const artifacts = await modulesBeside(drafts);
      const request = await readTargetsRequest(place(path));
      return outcomeOf(() => publishSigned(request, artifacts, proposing));
    },
    request: async (_, path, drafts) => {
      const proposed = await propose(await draftOf(drafts), proposing);
      const request = await targetsRequest(proposing.folder, edge, proposed);
      requireFaultless(await checkRequest(request, await newestOwnRoot(proposing.folder), clock()));
      await rewriteRequest(place(path), request);
    },
    tidy: async (waitedFor) => {
      const names = await readdir(place("requests")).catch(() => []);
      for (const name of names)
        if (!waitedFor.has(`requests/${name}`)) await rm(place(join("requests", name)), { force: true });
    },
  };
}

const readDraft = async (path: string): Promise<KernelManifest> =>
  decodeDraft(await readNamed(path, MAX_MANIFEST_BYTES), path);

const superseding = (draft: KernelManifest, more: readonly UpdateId[]): KernelManifest => ({
  ...draft,
  updates: draft.updates.map((update) => ({
    ...update,
    supersedes: [...new Set([...update.supersedes, ...more])],
  })),
});

const offeredUpdate = (update: Update): OfferedUpdate => ({
  id: update.id,
  modules: [update.module, ...update.parts].map(({ sha256 }) => sha256),
  functions: update.objects.flatMap(({ name: object, functions }) =>
    functions.map(({ name, offset }) => `${name} (${object}+0x${offset.toString(16)})`),
  ),
  supersedes: update.supersedes,
  isRecalled: update.recalled !== null,
});

/** Tells what is for the next run, and what for other people, from what failed. */
async function outcomeOf(publish: () => Promise<unknown>): Promise<PushOutcome> {
  try {
    await publish();
    return { kind: "pushed" };
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
    if (LATER.has(error.code)) return { kind: "later", error };
    if (WITHOUT_KEYS.has(error.code)) return { kind: "no keys", reason: error.message };
    return { kind: "broken", reason: error.message };
  }
}

/** The feed does not answer, or others published first. */
const LATER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unreachable", "conflict"]);
/** There are too few keys, or no passphrase for them. */
const WITHOUT_KEYS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["config", "usage"]);
