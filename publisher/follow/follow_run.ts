import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { type FollowedFix, type FollowState, itemOf, withItem } from "./follow_state.ts";
import { draftIn, type FollowItem, failedState, type ItemState, movedItem, nextStep } from "./item.ts";
import { fixesBroughtBy, kernelsToMake, takenIn } from "./plan.ts";
import { shortReason } from "./state_file.ts";
import type { FollowTools } from "./tools.ts";

/** A run, and the state that it has come to. */
export class FollowRun {
  #state: FollowState;
  readonly #tools: FollowTools;

  constructor(state: FollowState, tools: FollowTools) {
    this.#state = state;
    this.#tools = tools;
  }

  get state(): FollowState {
    return this.#state;
  }

  /** Takes in what is new. The patches are kept before the state names them. */
  async look(kernels: readonly ServedKernel[]): Promise<void> {
    const sources = await this.#tools.find(this.#state, kernels);
    for (const fix of sources.fixes) await this.#tools.keep(fix);
    const next = takenIn(this.#state, sources, kernels, this.#tools.clock());
    const isSame = JSON.stringify(next) === JSON.stringify(this.#state);
    if (!isSame) await this.#save(next);
  }

  /** Makes a fix for all kernels that still need it. */
  async make(fix: FollowedFix, kernels: readonly ServedKernel[]): Promise<void> {
    const wanted = kernelsToMake(this.#state, fix, kernels);
    if (wanted.length === 0) return;
    this.#tools.progress(`${fix.id}: making it for ${wanted.length} of the kernels`);
    const made = await this.#tools.make(fix, wanted);
    let next = this.#state;
    for (const { buildId } of wanted) {
      const item = itemOf(next, fix.id, buildId);
      const outcome = made.get(buildId);
      if (item === undefined || outcome === undefined) continue;
      const state =
        outcome.kind === "broken" ? failedState(item, "create", shortReason(outcome.reason)) : outcome;
      next = withItem(next, this.#moved(item, state));
    }
    await this.#save(next);
  }

  broughtBy(fix: UpdateId, kernels: readonly ServedKernel[]): ReadonlySet<UpdateId> {
    return fixesBroughtBy(this.#state, fix, kernels);
  }

  itemsToTry(fix: FollowedFix): readonly FollowItem[] {
    return this.#state.items.filter((item) => item.fix === fix.id && nextStep(item) === "try");
  }

  async try(item: FollowItem): Promise<void> {
    const draft = draftIn(item.state);
    if (draft === undefined) throw new RangeError("an item without a draft cannot be tried");
    this.#tools.progress(`${item.fix}: trying it on ${item.release}`);
    const outcome = await this.#tools.try(draft);
    if (outcome.kind === "ok") return this.move(item, { kind: "tried ok", draft });
    const reason = shortReason(outcome.reason);
    if (outcome.kind === "bad") return this.move(item, { kind: "tried bad", draft, reason });
    await this.move(item, failedState(item, "try", reason));
  }

  /** Returns the kernels that have something to publish. */
  kernelsToPublish(): readonly BuildId[] {
    return [
      ...new Set(this.#state.items.flatMap((item) => (nextStep(item) === "push" ? [item.kernel] : []))),
    ];
  }

  itemsToPublish(kernel: BuildId): readonly FollowItem[] {
    return this.#state.items.filter((item) => item.kernel === kernel && nextStep(item) === "push");
  }

  /** Moves items to a state, and writes that down. */
  async move(items: FollowItem | readonly FollowItem[], state: ItemState): Promise<void> {
    await this.moveEach([items].flat(), () => state);
  }

  async moveEach(items: readonly FollowItem[], to: (item: FollowItem) => ItemState): Promise<void> {
    if (items.length === 0) return;
    let next = this.#state;
    for (const item of items) next = withItem(next, this.#moved(item, to(item)));
    await this.#save(next);
  }

  #moved(item: FollowItem, state: ItemState): FollowItem {
    return movedItem(item, state, this.#tools.clock(), this.#tools.channels);
  }

  async #save(state: FollowState): Promise<void> {
    await this.#tools.save(state);
    this.#state = state;
  }
}

/** Returns the error if it is one that is expected of a step. */
export function expectedError(error: unknown): RebootlessError {
  if (error instanceof RebootlessError) return error;
  throw error;
}
