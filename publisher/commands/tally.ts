import type { BuildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { type Answer, type ErrorCode, isCode, RebootlessError } from "../../shared/errors.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { excerpt } from "../../shared/printable.ts";
import type { PublisherContext } from "../context.ts";
import type { KernelChange } from "../feed/kernel_change.ts";
import { manifestDiff } from "../feed/manifest_diff.ts";
import { type PushChangesOptions, type PushResult, pushChanges, type Sent } from "../feed/push.ts";

const PROGRESS_EVERY_MS = 1000;

type Outcome = PushResult["outcome"];

/** A kernel for which something is published. */
export interface Counted {
  readonly buildId: BuildId;
  readonly kernel: Pick<KernelFacts, "release">;
  /** The path of the kernel's draft, if it has one. */
  readonly path?: string;
}

/**
 * Publishes changes of kernels, reports the outcome of each, and returns the answer for programs.
 * @param known further members of the answer.
 * @throws RebootlessError `refused` or `conflict` if some kernels were not published, or the error itself if there is only
 * one kernel; `unreachable`. These carry the answer so far. Also as `pushChanges`.
 */
export async function pushCounted(
  context: PublisherContext,
  kernels: readonly Counted[],
  changes: readonly KernelChange[],
  options: PushChangesOptions,
  known: Answer = {},
): Promise<Answer> {
  const tally = new Tally(context, kernels);
  const start = performance.now();
  const onResult = (result: PushResult) => {
    const { proposed } = result;
    const diff =
      options.dryRun && proposed ? manifestDiff(proposed.current.manifest, proposed.merged) : undefined;
    tally.take(result, diff);
    if (diff && !options.consent) for (const line of diff) context.terminal.say(line); // otherwise it was shown already
  };
  const answerOf = (sent: Sent): Answer => ({
    ...known,
    ...tally.answer(sent, options.dryRun, Math.round(performance.now() - start)),
  });
  let sent: Sent;
  try {
    sent = await pushChanges(changes, { ...options, onResult });
  } catch (error) {
    if (!isCode(error, "unreachable")) throw error;
    const done = kernels.length > 1 ? `; ${tally.done} of ${counted(kernels.length, "kernel")} done` : "";
    throw new RebootlessError("unreachable", `${error.message}${done}`, {
      cause: error,
      hint: "Run the command again. What is in force already is not sent again.",
      answer: answerOf({ bytes: 0, requests: 0, files: 0 }),
    });
  }
  for (const line of tally.lines(sent)) context.terminal.say(line);
  const answer = answerOf(sent);
  const failure = tally.failure();
  if (!failure) return answer;
  const { code, message, hint } = failure;
  throw new RebootlessError(code, message, { answer, ...(hint !== undefined && { hint }) });
}

/** Counts the outcomes of kernels as they arrive, and shows people what they should know about each. */
class Tally {
  readonly #context: PublisherContext;
  readonly #kernels: ReadonlyMap<BuildId, Counted>;
  readonly #counts = new Map<Outcome, number>();
  readonly #results: JsonObject[] = [];
  #first: RebootlessError | undefined;
  #said = performance.now();

  constructor(context: PublisherContext, kernels: readonly Counted[]) {
    this.#context = context;
    this.#kernels = new Map(kernels.map((counted) => [counted.buildId, counted]));
  }

  get done(): number {
    return this.#of("published") + this.#of("unchanged") + this.#of("acceptable");
  }

  /** Records the outcome for a kernel. @param changes the lines of its diff in a dry run. */
  take(result: PushResult, changes: readonly string[] | undefined): void {
    const { buildId, outcome, version, attempts, error } = result;
    this.#counts.set(outcome, this.#of(outcome) + 1);
    this.#first ??= error;
    const { path, kernel } = this.#kernels.get(buildId) ?? {};
    const { terminal } = this.#context;
    const name = `${buildId} (${excerpt(kernel?.release ?? "")})`;
    if (error && this.#kernels.size > 1) {
      const draft = path === undefined ? "" : ` ${path}`;
      terminal.notice(`${outcome}: ${name}${draft}: ${excerpt(error.message, 1000)}`);
    }
    if (changes && version > 0 && outcome !== "conflict") {
      const has = outcome === "unchanged" ? "has" : "would have";
      terminal.say(`kernel     ${name}, ${has} version ${version}`);
    }
    this.#results.push(
      jsonObject({
        build_id: buildId,
        ...(path !== undefined && { draft: path }),
        outcome,
        version,
        attempts,
        ...(error && { message: error.message, hint: error.hint }),
        ...(changes && { changes }),
      }),
    );
    this.#progress();
  }

  #progress(): void {
    const now = performance.now();
    const all = this.#results.length === this.#kernels.size;
    if (!all && now - this.#said < PROGRESS_EVERY_MS) return;
    this.#said = now;
    const counts = [...this.#counts].map(([outcome, count]) => `${count} ${outcome}`);
    this.#context.terminal.progress(
      `${this.#results.length} of ${counted(this.#kernels.size, "kernel")}: ${counts.join(", ")}`,
    );
  }

  lines({ bytes, requests, files }: Sent): readonly string[] {
    const counts = [...this.#counts].map(
      ([outcome, count]) => `${outcome.padEnd(10)} ${counted(count, "kernel")}`,
    );
    if (this.#of("unchanged") === this.#kernels.size)
      return [...counts, "nothing to publish: all of it is in force"];
    return [
      ...counts,
      `sent       ${counted(bytes, "byte")} in ${counted(requests, "request")}, ${counted(files, "module")}`,
    ];
  }

  answer({ bytes, requests, files }: Sent, dryRun: boolean, milliseconds: number): Answer {
    const counts = Object.fromEntries(ALL.map((outcome) => [outcome, this.#of(outcome)]));
    const kernels = this.#kernels.size;
    const said = { kernels, dry_run: dryRun, ...counts, bytes, requests, files, milliseconds };
    return { ...said, results: this.#results };
  }

  /** Returns the worst outcome. A refusal is worse than a conflict, which only needs another run. */
  failure():
    | { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined }
    | undefined {
    const refused = this.#of("refused") + this.#of("failed");
    const failed = refused + this.#of("conflict");
    if (failed === 0) return undefined;
    if (this.#kernels.size === 1) return this.#first;
    return {
      code: refused > 0 ? "refused" : "conflict",
      message: `not published: ${failed} of ${counted(this.#kernels.size, "kernel")}, the first because ${this.#first?.message}`,
    };
  }

  #of(outcome: Outcome): number {
    return this.#counts.get(outcome) ?? 0;
  }
}

const ALL: readonly Outcome[] = ["published", "unchanged", "acceptable", "conflict", "refused", "failed"];
