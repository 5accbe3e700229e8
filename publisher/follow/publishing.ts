import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { expectedError, type FollowRun } from "./follow_run.ts";
import { draftIn, type FollowItem, failedState } from "./item.ts";
import { type OfferedUpdate, planPublication } from "./publication.ts";
import { shortReason } from "./state_file.ts";
import type { FollowTools, PushOutcome, ReadyDraft } from "./tools.ts";

/** Brings what passed its trial into the feed, or leaves a signing request for it. */
export class Publishing {
  readonly #run: FollowRun;
  readonly #tools: FollowTools;
  readonly #kernels: readonly ServedKernel[];
  /** False once it is known that the keys cannot be opened here. */
  #mayPush: boolean;
  /** True once the feed did not answer. It is asked again in the next run. */
  #isOut = false;

  constructor(run: FollowRun, tools: FollowTools, kernels: readonly ServedKernel[]) {
    this.#kernels = kernels;
    this.#run = run;
    this.#tools = tools;
    this.#mayPush = tools.mayPush;
  }

  async publish(kernel: BuildId): Promise<void> {
    const items = this.#run.itemsToPublish(kernel);
    const [first] = items;
    if (first === undefined || this.#isOut) return;
    try {
      await this.#publishItems(kernel, first.release, items);
    } catch (error) {
      const expected = expectedError(error);
      if (expected.code === "unreachable") {
        this.#isOut = true;
        this.#tools.trouble(expected);
        return;
      }
      await this.#fail(this.#run.itemsToPublish(kernel), expected.message);
    }
  }

  async #publishItems(kernel: BuildId, release: string, items: readonly FollowItem[]): Promise<void> {
    const tools = this.#tools;
    const ready: OfferedUpdate[] = [];
    for (const item of items) ready.push(await tools.updateOf(draftOf(item)));
    const request = requestName(release, kernel);
    const plan = planPublication(
      ready,
      await tools.feedOf(kernel),
      await tools.requestOf(request),
      this.#mayPush,
      (id) => this.#run.broughtBy(id, this.#kernels),
    );
    const among = (ids: readonly UpdateId[]): readonly FollowItem[] =>
      this.#run.itemsToPublish(kernel).filter(({ fix }) => ids.includes(fix));
    await this.#pushed(among(plan.inForce));
    for (const { id, reason } of plan.overlapping)
      await this.#run.move(among([id]), { kind: "refused", reason: shortReason(reason) });
    const rest = among(plan.rest.map(({ id }) => id));
    const drafts = rest.map((item) => ({
      draft: draftOf(item),
      supersedes: plan.rest.find(({ id }) => id === item.fix)?.supersedes ?? [],
    }));
    if (plan.how === "nothing") return;
    if (plan.how === "push signed") {
      tools.progress(`${release}: publishing what was signed`);
      return this.#take(await tools.pushSigned(request, drafts), rest, () => this.#wait(rest, request));
    }
    if (plan.how === "push") {
      tools.progress(`${release}: publishing`);
      return this.#take(await tools.push(kernel, drafts), rest, async () => {
        this.#mayPush = false;
        await this.#ask(kernel, request, rest, drafts);
      });
    }
    if (plan.how === "keep") return this.#wait(rest, request);
    await this.#ask(kernel, request, rest, drafts);
  }

  async #take(
    outcome: PushOutcome,
    items: readonly FollowItem[],
    withoutKeys: () => Promise<void>,
  ): Promise<void> {
    switch (outcome.kind) {
      case "pushed":
        return this.#pushed(items);
      case "no keys":
        this.#tools.progress(`the keys cannot be opened here: ${outcome.reason}`);
        return withoutKeys();
      case "later":
        this.#isOut = outcome.error.code === "unreachable";
        return this.#tools.trouble(outcome.error);
      case "broken":
        return this.#fail(items, outcome.reason);
    }
  }

  async #ask(
    kernel: BuildId,
    request: string,
    items: readonly FollowItem[],
    drafts: readonly ReadyDraft[],
  ): Promise<void> {
    await this.#tools.request(kernel, request, drafts);
    await this.#wait(items, request);
  }

  /** An item that waits already is not news again. */
  #wait(items: readonly FollowItem[], request: string): Promise<void> {
    const others = items.filter(({ state }) => state.kind !== "waiting");
    return this.#run.moveEach(others, (item) => ({ kind: "waiting", draft: draftOf(item), request }));
  }

  #pushed(items: readonly FollowItem[]): Promise<void> {
    return this.#run.moveEach(items, (item) => ({ kind: "pushed", draft: draftOf(item) }));
  }

  #fail(items: readonly FollowItem[], reason: string): Promise<void> {
    return this.#run.moveEach(items, (item) => failedState(item, "push", shortReason(reason)));
  }
}

/** The name of the file with a kernel's signing request. */
export const requestName = (release: string, kernel: BuildId): string =>
  `requests/${release}_${kernel.slice(0, 8)}.json`;

function draftOf({ state }: FollowItem): string {
  const draft = draftIn(state);
  if (draft === undefined) throw new RangeError("an item without a draft cannot be published");
  return draft;
}
