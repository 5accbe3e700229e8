import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import type { Clock } from "../../shared/time.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import type { CloneNote, FollowedFix, FollowState } from "./follow_state.ts";
import type { FoundFix } from "./found_fixes.ts";
import type { Channel, FollowItem, ItemKind, ItemState } from "./item.ts";
import type { KernelFeed, LeftRequest, OfferedUpdate } from "./publication.ts";

type StateOf<K extends ItemKind> = Extract<ItemState, { kind: K }>;

/** A step that did not come to an end, and may do so another time. */
export interface BrokenStep {
  readonly kind: "broken";
  readonly reason: string;
}

/** What making a fix for one kernel came to. */
export type MakingOutcome =
  | StateOf<"made" | "unchanged" | "already in" | "does not apply" | "not built" | "refused">
  | BrokenStep;

/** What trying a draft came to. */
export type TrialOutcome =
  | { readonly kind: "ok" }
  | { readonly kind: "bad"; readonly reason: string }
  | BrokenStep;

/** What publishing came to. */
export type PushOutcome =
  | { readonly kind: "pushed" }
  /** This machine has too few keys, or cannot open them. */
  | { readonly kind: "no keys"; readonly reason: string }
  /** The feed does not answer, or others publish at the same time: it is for the next run. */
  | { readonly kind: "later"; readonly error: RebootlessError }
  | BrokenStep;

/** A draft that passed its trial, and updates that it supersedes besides those that it names itself. */
export interface ReadyDraft {
  readonly draft: string;
  readonly supersedes: readonly UpdateId[];
}

/** What the sources have now. */
export interface FoundSources {
  readonly fixes: readonly FoundFix[];
  readonly clones: readonly CloneNote[];
}

/** All that a run does with the machine. Each of these can be done again after it was cut off. */
export interface FollowTools {
  readonly clock: Clock;
  /** The channels by which people are told. */
  readonly channels: readonly Channel[];
  /** True if this machine signs by itself. */
  readonly mayPush: boolean;
  progress(line: string): void;
  /** Notes what went wrong beside the items: a source that cannot be read, a feed that does not answer. */
  trouble(error: RebootlessError): void;
  /** Writes the state whole or not at all. */
  save(state: FollowState): Promise<void>;
  /** Keeps the patches of a fix, in a folder that is named by its digest. */
  keep(fix: FoundFix): Promise<void>;
  /** Brings the list of kernels up to date, and returns it. */
  kernels(): Promise<readonly ServedKernel[]>;
  find(state: FollowState, kernels: readonly ServedKernel[]): Promise<FoundSources>;
  make(fix: FollowedFix, kernels: readonly ServedKernel[]): Promise<ReadonlyMap<BuildId, MakingOutcome>>;
  try(draft: string): Promise<TrialOutcome>;
  /** Reads what a draft adds to a feed. */
  updateOf(draft: string): Promise<OfferedUpdate>;
  /** Asks the feed what it has for a kernel. @throws RebootlessError `unreachable`. */
  feedOf(kernel: BuildId): Promise<KernelFeed>;
  requestOf(request: string): Promise<LeftRequest | undefined>;
  push(kernel: BuildId, drafts: readonly ReadyDraft[]): Promise<PushOutcome>;
  pushSigned(request: string, drafts: readonly ReadyDraft[]): Promise<PushOutcome>;
  /** Leaves a signing request for all of these drafts of a kernel, in place of one that lies there. */
  request(kernel: BuildId, request: string, drafts: readonly ReadyDraft[]): Promise<void>;
  /** Tells people what is new by a channel. Returns false if that did not get through. */
  tell(channel: Channel, news: readonly FollowItem[], state: FollowState): Promise<boolean>;
  /** Removes the requests that nothing waits for. */
  tidy(waitedFor: ReadonlySet<string>): Promise<void>;
}
