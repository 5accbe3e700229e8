import { type ErrorCode, isCode, RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { excerpt } from "../../shared/printable.ts";
import { instant } from "../../shared/time.ts";
import type { Context } from "../context.ts";
import type { DraftFile } from "../feed/draft_files.ts";
import { manifestDiff } from "../feed/manifest_diff.ts";
import { TARGETS_LIFE_MS } from "../feed/proposal.ts";
import { type PushOptions, type PushResult, push, type Sent } from "../feed/push.ts";
import { expiryFault, expiryInWords } from "../keys/expiry.ts";
import { consentOrUnattended, type Shown } from "./consent.ts";

/** Updates of all drafts shown before they are signed. */
const MAX_SHOWN = 50;
const PROGRESS_EVERY_MS = 1000;

type Outcome = PushResult["outcome"];

/** Publishes many drafts, or with `dryRun` one or many, and says of each kernel what became of it. */
export async function pushDrafts(
  context: Context,
  pushing: Omit<PushOptions, "resume">,
  drafts: readonly DraftFile[],
  yes: boolean,
): Promise<void> {
  await consentOrUnattended(context, whatIsSigned(drafts, pushing), yes);
  const tally = new Tally(context, drafts);
  const start = performance.now();
  const onResult = (result: PushResult) => tally.take(result, pushing.dryRun);
  const summary = (sent: Sent) => tally.summary(sent, pushing.dryRun, Math.round(performance.now() - start));
  let sent: Sent;
  try {
    sent = await push(drafts, { ...pushing, resume: true, onResult });
  } catch (error) {
    if (!isCode(error, "unreachable")) throw error;
    const message = `${error.message}; ${tally.done} of ${drafts.length} kernels are done`;
    throw new RebootlessError("unreachable", message, {
      cause: error,
      hint: "Run it again: what is in force already is not sent again.",
      answer: Object.fromEntries(summary({ bytes: 0, requests: 0, files: 0 })),
    });
  }
  const answer = summary(sent);
  for (const line of tally.lines(sent)) context.terminal.say(line);
  const failure = tally.failure();
  if (failure)
    throw new RebootlessError(failure.code, failure.message, { answer: Object.fromEntries(answer) });
  context.terminal.result("push", Object.fromEntries(answer));
}

/** For whoever consents: the updates and how many kernels get each; every kernel's own diff is the dry run's. */
function whatIsSigned(
  drafts: readonly DraftFile[],
  { expires, clock, replace }: Omit<PushOptions, "resume">,
): Shown {
  const kernels = new Map<string, number>();
  for (const { id, summary, recalled } of drafts.flatMap(({ updates }) => updates)) {
    const line = `  + update ${id}: ${excerpt(summary)}${recalled === null ? "" : " (RECALLED)"}`;
    kernels.set(line, (kernels.get(line) ?? 0) + 1);
  }
  const lines = [...kernels].map(([line, count]) => `${line}, for ${count} kernels`);
  const until = expires ?? instant(clock() + TARGETS_LIFE_MS);
  const fault = expiryFault(until, clock());
  return {
    diff: [
      `kernels    ${drafts.length}`,
      `expires    ${expiryInWords(until, clock())}`,
      ...lines.slice(0, MAX_SHOWN),
      ...(lines.length > MAX_SHOWN ? [`  and ${lines.length - MAX_SHOWN} more`] : []),
    ],
    faults: fault === undefined ? [] : [fault],
    warnings: replace ? ["nothing is kept of what is in force"] : [],
  };
}

/** Counts what became of the kernels while they come, and says what people should know of. */
class Tally {
  readonly #context: Context;
  readonly #drafts: ReadonlyMap<string, DraftFile>;
  readonly #counts = new Map<Outcome, number>();
  readonly #results: JsonObject[] = [];
  #first: RebootlessError | undefined;
  #said = performance.now();

  constructor(context: Context, drafts: readonly DraftFile[]) {
    this.#context = context;
    this.#drafts = new Map(drafts.map((draft) => [draft.buildId, draft]));
  }

  get done(): number {
    return this.#of("published") + this.#of("unchanged") + this.#of("acceptable");
  }

  take(result: PushResult, dryRun: boolean): void {
    const { buildId, outcome, version, attempts, error, proposed } = result;
    this.#counts.set(outcome, this.#of(outcome) + 1);
    this.#first ??= error;
    const changes = dryRun && proposed ? manifestDiff(proposed.current.manifest, proposed.merged) : undefined;
    const { path = "", kernel } = this.#drafts.get(buildId) ?? {};
    const { terminal } = this.#context;
    const name = `${buildId} (${excerpt(kernel?.release ?? "")})`;
    if (error) terminal.notice(`${outcome}: ${name} ${path}: ${excerpt(error.message, 1000)}`);
    else if (changes) {
      terminal.say(
        `kernel     ${name}, ${outcome === "unchanged" ? "has" : "would have"} version ${version}`,
      );
      for (const line of outcome === "unchanged" ? ["  no change"] : changes) terminal.say(line);
    }
    this.#results.push(
      jsonObject({
        build_id: buildId,
        draft: path,
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
    const all = this.#results.length === this.#drafts.size;
    if (!all && now - this.#said < PROGRESS_EVERY_MS) return;
    this.#said = now;
    const counts = [...this.#counts].map(([outcome, count]) => `${count} ${outcome}`);
    this.#context.terminal.progress(
      `${this.#results.length} of ${this.#drafts.size} kernels: ${counts.join(", ")}`,
    );
  }

  lines({ bytes, requests, files }: Sent): readonly string[] {
    const counts = [...this.#counts].map(([outcome, count]) => `${outcome.padEnd(10)} ${count} kernels`);
    return [...counts, `sent       ${bytes} bytes in ${requests} requests, ${files} modules`];
  }

  summary({ bytes, requests, files }: Sent, dryRun: boolean, milliseconds: number): JsonObject {
    const counts = Object.fromEntries(ALL.map((outcome) => [outcome, this.#of(outcome)]));
    const kernels = this.#drafts.size;
    const said = { kernels, dry_run: dryRun, ...counts, bytes, requests, files, milliseconds };
    return jsonObject({ ...said, results: this.#results });
  }

  /** The worst that happened: what was refused needs somebody; a conflict only another run. */
  failure(): { readonly code: ErrorCode; readonly message: string } | undefined {
    const refused = this.#of("refused") + this.#of("failed");
    const conflicts = this.#of("conflict");
    if (refused + conflicts === 0) return undefined;
    const count = `${refused + conflicts} of ${this.#drafts.size} kernels were not published`;
    return {
      code: refused > 0 ? "refused" : "conflict",
      message: `${count}, the first because ${this.#first?.message}`,
    };
  }

  #of(outcome: Outcome): number {
    return this.#counts.get(outcome) ?? 0;
  }
}

const ALL: readonly Outcome[] = ["published", "unchanged", "acceptable", "conflict", "refused", "failed"];
