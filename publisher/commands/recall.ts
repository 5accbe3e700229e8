import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { type Answer, RebootlessError } from "../../shared/errors.ts";
import { type JsonValue, jsonObject } from "../../shared/json.ts";
import { excerpt, printable } from "../../shared/printable.ts";
import { matchesPattern } from "../../shared/tuf/path_pattern.ts";
import type { PublisherContext } from "../context.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { listedKernels } from "../feed/listed_kernels.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { newestOwnRoot, openPublisherFolder } from "../feed/publisher_folder.ts";
import {
  type KernelWithUpdate,
  kernelsWith,
  type Recall,
  recallChanges,
  type UnreadKernel,
} from "../feed/recall.ts";
import { consentOrUnattended, type Shown } from "./consent.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import { writeRequests } from "./recall_requests.ts";
import { pushCounted } from "./tally.ts";

export interface RecallOptions extends OpenKeysOptions {
  readonly feed: string;
  /** The kernels that are looked at. If there are none, these are all kernels that the feed lists. */
  readonly kernel: readonly BuildId[];
  /** Patterns for releases, as `uname -r` prints them. If there are any, a kernel must match one of them. */
  readonly release: readonly string[];
  /** The folder to which signing requests are written instead of signing. */
  readonly request?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** The longest reason, in characters: a sentence or two, because `status` and `check` show it in one line. */
const MAX_REASON = 500;
/** The largest number of releases that are shown before consent is asked for. */
const MAX_SHOWN = 50;
const PROGRESS_EVERY_MS = 1000;

/** Recalls an update: tells hosts of every kernel that has it not to apply it any more, and why. */
export async function recallUpdate(
  context: PublisherContext,
  dir: string,
  id: UpdateId,
  options: RecallOptions & { readonly reason: string },
): Promise<void> {
  await announce(context, dir, { id, reason: requireReason(options.reason) }, options);
}

/** Takes the recall of an update back. */
export async function unrecallUpdate(
  context: PublisherContext,
  dir: string,
  id: UpdateId,
  options: RecallOptions,
): Promise<void> {
  await announce(context, dir, { id, reason: null }, options);
}

function requireReason(reason: string): string {
  const isLine = reason !== "" && reason.trim() === reason && printable(reason) === reason;
  if (isLine && reason.length <= MAX_REASON) return reason;
  throw new RebootlessError("usage", `not a reason: ${JSON.stringify(excerpt(reason, 100))}`, {
    hint: `Give one line of printable text, at most ${MAX_REASON} characters, which hosts show: --reason "oopses under load".`,
  });
}

async function announce(
  context: PublisherContext,
  dir: string,
  recall: Recall,
  options: RecallOptions,
): Promise<void> {
  const { clock } = context;
  if (options.dryRun && options.request !== undefined) {
    throw new RebootlessError("usage", "--request cannot be combined with --dry-run");
  }
  const folder = await openPublisherFolder(dir, keyringOf(context, options));
  const proposing: ProposalOptions = { edge: edgeClient(options.feed, folder, clock), folder, clock };
  const look = await lookFor(context, recall.id, proposing, options);
  const answer = await carryOut(context, proposing, recall, look, options);
  finish(context, recall.reason === null ? "unrecall" : "recall", look.unread, answer);
}

async function carryOut(
  context: PublisherContext,
  proposing: ProposalOptions,
  recall: Recall,
  look: Look,
  { request, dryRun, yes }: RecallOptions,
): Promise<Answer> {
  const { having } = look;
  const todo = having.filter(({ update }) => update.recalled !== recall.reason);
  const known = {
    update: recall.id,
    reason: recall.reason,
    looked_at: look.count,
    having: having.length,
    already: having.length - todo.length,
    unread: look.unread.map(unreadToJson),
  };
  if (todo.length === 0) {
    if (having.length > 0) context.terminal.say(nothingToPublish(recall, having.length));
    return known;
  }
  const shown = whatIsSaid(recall, todo, look);
  const changes = recallChanges(todo, recall, context.clock);
  if (request !== undefined) {
    return { ...known, requests: await writeRequests(context, proposing, changes, shown, request) };
  }
  const consentToAll = () => consentOrUnattended(context, shown, yes);
  const pushing = { ...proposing, artifacts: new Map(), dryRun, consentToAll };
  return pushCounted(context, todo, changes, pushing, known);
}

const nothingToPublish = ({ id, reason }: Recall, kernels: number): string =>
  `nothing to publish: ${id} is ${reason === null ? "not recalled" : "recalled for this reason"} for all ${counted(kernels, "kernel")} that have it`;

interface Look {
  readonly having: readonly KernelWithUpdate[];
  readonly unread: readonly UnreadKernel[];
  /** The number of kernels that were looked at. */
  readonly count: number;
}

/** Reads the kernels and finds those that have the update. @throws RebootlessError `usage` if none has it. */
async function lookFor(
  { terminal }: PublisherContext,
  id: UpdateId,
  { edge, folder }: ProposalOptions,
  { kernel, release }: RecallOptions,
): Promise<Look> {
  const kernels = kernel.length > 0 ? [...new Set(kernel)] : await listedKernels(edge);
  let read = 0;
  let said = performance.now();
  const found = await kernelsWith(id, kernels, edge, await newestOwnRoot(folder), () => {
    read++;
    if (performance.now() - said < PROGRESS_EVERY_MS) return;
    said = performance.now();
    terminal.progress(`read ${read} of ${counted(kernels.length, "kernel")}`);
  });
  const fits = ({ kernel: { release: own } }: KernelWithUpdate) =>
    release.length === 0 || release.some((pattern) => matchesPattern(pattern, own));
  const having = found.having.filter(fits);
  for (const { buildId, error } of found.unread)
    terminal.notice(`could not read ${buildId}: ${excerpt(error.message, 1000)}`);
  if (having.length > 0 || found.unread.length > 0) return { ...found, having, count: kernels.length };
  const among = release.length === 0 ? "" : ` whose release is ${release.join(" or ")}`;
  throw new RebootlessError(
    "usage",
    `none of ${counted(kernels.length, "kernel")}${among} has an update ${id}`,
    {
      hint: "The feed's page /updates/ID shows what it knows about an update. Use --kernel to name a kernel that the feed does not list.",
    },
  );
}

/** Describes what is about to be signed for the person who consents. */
function whatIsSaid({ id, reason }: Recall, todo: readonly KernelWithUpdate[], look: Look): Shown {
  const releases = new Map<string, number>();
  for (const { kernel } of todo) releases.set(kernel.release, (releases.get(kernel.release) ?? 0) + 1);
  const lines = [...releases]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([release, count]) => `  ${String(count).padStart(6)}  ${excerpt(release)}`);
  const others = new Set(todo.flatMap(({ update }) => (update.recalled === null ? [] : [update.recalled])));
  const already = look.having.length - todo.length;
  return {
    diff: [
      `update     ${id}: ${excerpt(todo[0]?.update.summary ?? "")}`,
      reason === null ? "recalled   no longer" : `recalled   ${reason}`,
      ...[...others].map((other) => `before     ${excerpt(other)}`).slice(0, MAX_SHOWN),
      `kernels    ${todo.length} of ${look.count} that were read${already > 0 ? `; ${already} already say so` : ""}`,
      ...lines.slice(0, MAX_SHOWN),
      ...(lines.length > MAX_SHOWN ? [`  and ${lines.length - MAX_SHOWN} more releases`] : []),
    ],
    faults: [],
    warnings:
      look.unread.length > 0
        ? [`${counted(look.unread.length, "kernel")} could not be read, and may need it too`]
        : [],
  };
}

/**
 * Ends the command. Kernels that could not be read make it fail, because a recall that may have missed a kernel must not
 * look complete.
 */
function finish(
  context: PublisherContext,
  command: string,
  unread: readonly UnreadKernel[],
  answer: Answer,
): void {
  const [first] = unread;
  if (!first) {
    context.terminal.result(command, answer);
    return;
  }
  throw new RebootlessError(
    first.error.code,
    `${counted(unread.length, "kernel")} could not be read and may need it too, the first because ${first.error.message}`,
    { hint: "Fix the cause and run the command again. What is done is not signed again.", answer },
  );
}

const unreadToJson = ({ buildId, error }: UnreadKernel): JsonValue =>
  jsonObject({ build_id: buildId, code: error.code, message: error.message });
