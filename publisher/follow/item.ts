import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";

/** The steps of a run that can fail and are taken again in the next run. */
export type FollowStep = "create" | "try" | "push";

/** How far a fix has come for one kernel. Paths of drafts and requests are relative to the folder of the state. */
export type ItemState =
  | { readonly kind: "seen" }
  | { readonly kind: "unchanged" }
  | { readonly kind: "already in" }
  | { readonly kind: "does not apply"; readonly reason: string }
  | { readonly kind: "not built"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "made"; readonly draft: string }
  | {
      readonly kind: "failed";
      readonly step: FollowStep;
      readonly reason: string;
      /** How often this step has failed. */
      readonly attempts: number;
      /** The draft, if the step comes after `create`. */
      readonly draft?: string;
    }
  | { readonly kind: "tried ok"; readonly draft: string }
  | { readonly kind: "tried bad"; readonly draft: string; readonly reason: string }
  | { readonly kind: "waiting"; readonly draft: string; readonly request: string }
  | { readonly kind: "pushed"; readonly draft: string }
  /** A newer version of the fix takes its place. */
  | { readonly kind: "superseded" };

export type ItemKind = ItemState["kind"];

/** A channel by which people are told. */
export const CHANNELS = ["mail", "webhook"] as const;
export type Channel = (typeof CHANNELS)[number];

/** A pair of a fix and a kernel. */
export interface FollowItem {
  readonly fix: UpdateId;
  readonly kernel: BuildId;
  /** The kernel's release, for people. */
  readonly release: string;
  readonly state: ItemState;
  readonly seen: Instant;
  /** When it had passed `try`. */
  readonly ready?: Instant;
  /** When it was in force. */
  readonly pushed?: Instant;
  /** The channels that have not yet told people of the state. */
  readonly untold: readonly Channel[];
}

/** The most times that a step is taken that fails each time. */
export const MAX_STEP_ATTEMPTS = 3;

const MAKINGS = ["made", "unchanged", "already in", "does not apply", "not built", "refused"] as const;
const TRIALS = ["tried ok", "tried bad"] as const;
const PUSHES = ["waiting", "pushed"] as const;

/** Which states may follow which. What has no next state is final until the fix changes. */
const MOVES: Readonly<Record<ItemKind, readonly ItemKind[]>> = {
  seen: [...MAKINGS, "failed", "superseded"],
  "not built": [...MAKINGS, "failed", "superseded"],
  made: [...TRIALS, "failed", "superseded"],
  "tried ok": [...PUSHES, "refused", "failed", "superseded"],
  waiting: [...PUSHES, "refused", "failed", "superseded"],
  failed: [...MAKINGS, ...TRIALS, ...PUSHES, "failed", "superseded"],
  unchanged: [],
  "already in": [],
  "does not apply": [],
  refused: [],
  "tried bad": [],
  pushed: [],
  superseded: [],
};

/** The states that people are told of: something to sign, something in force, or a fix that gets nowhere. */
const NEWS: ReadonlySet<ItemKind> = new Set<ItemKind>([
  ...["does not apply", "not built", "refused", "failed", "tried bad", "waiting", "pushed"],
] as const);

/** Moves an item to another state. @throws RangeError for a move that there is not. */
export function movedItem(
  item: FollowItem,
  state: ItemState,
  now: Instant,
  channels: readonly Channel[],
): FollowItem {
  if (!MOVES[item.state.kind].includes(state.kind))
    throw new RangeError(`an item that is ${item.state.kind} cannot be ${state.kind}`);
  return {
    ...item,
    state,
    untold: NEWS.has(state.kind) ? channels : [],
    ...(state.kind === "tried ok" && { ready: now }),
    ...(state.kind === "pushed" && { pushed: now }),
  };
}

/** Returns the state after a step has failed once more. */
export function failedState(
  { state }: FollowItem,
  step: FollowStep,
  reason: string,
): Extract<ItemState, { kind: "failed" }> {
  const before = state.kind === "failed" && state.step === step ? state.attempts : 0;
  const draft = draftIn(state);
  return { kind: "failed", step, reason, attempts: before + 1, ...(draft !== undefined && { draft }) };
}

/** Returns the path of an item's draft, if it has one. */
export const draftIn = (state: ItemState): string | undefined => ("draft" in state ? state.draft : undefined);

/** Returns the step that an item needs next, or undefined if there is nothing left to do for it. */
export function nextStep({ state }: Pick<FollowItem, "state">): FollowStep | undefined {
  switch (state.kind) {
    case "seen":
    case "not built":
      return "create";
    case "made":
      return "try";
    case "tried ok":
    case "waiting":
      return "push";
    case "failed":
      return state.attempts < MAX_STEP_ATTEMPTS ? state.step : undefined;
    default:
      return undefined;
  }
}

/** True for an item that is still under way. One that is not built waits for its archive and is not. */
export const isOpen = (item: Pick<FollowItem, "state">): boolean =>
  item.state.kind !== "not built" && nextStep(item) !== undefined;
