import type { UpdateId } from "../../shared/brand.ts";
import { type Answer, RebootlessError, restated } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import type { Report, Result } from "../apply/result.ts";
import type { Context } from "../context.ts";
import { leftOutLine, leftOutReason } from "./describe.ts";

/** The results of a run of upgrade, undo or boot, which are reported as they come. */
export class Results {
  readonly #all: Result[] = [];
  readonly #context: Context;
  readonly #asked: ReadonlySet<UpdateId>;

  /** @param asked the updates that must be applied in the end; otherwise the run did not do what it was asked for. */
  constructor(context: Context, asked: ReadonlySet<UpdateId> = new Set()) {
    this.#context = context;
    this.#asked = asked;
  }

  readonly report: Report = async (result) => {
    const { terminal, record } = this.#context;
    this.#all.push(result);
    if (result.result === "kept") {
      record.observe("recalled", result.id, resultLine(result));
      if (!record.scheduled) terminal.notice(`warning: ${resultLine(result)}`);
    }
    // A superseded update would be reported at every run.
    else if (result.result !== "left_out" || result.why.reason !== "superseded")
      terminal.say(resultLine(result));
    if (CHANGES.has(result.result)) await record.change(resultLine(result));
    if (result.result === "failed") await record.failure(resultLine(result));
  };

  get length(): number {
    return this.#all.length;
  }

  /**
   * Makes a run that reports its results here, and prints the answer. With --json, the answer has all results, also if an
   * error is thrown.
   *
   * @param members returns further members of the answer, once the run is over.
   * @throws RebootlessError the error of the one update that failed; `partly_applied` if others succeeded; `stopped` if the
   *   run was asked to end.
   */
  async of(command: string, members: () => Answer, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      throw restated(error, { answer: { ...this.#answer(members()), ...error.answer } });
    }
    this.#end(command, members());
  }

  #end(command: string, members: Answer): void {
    const answer = this.#answer(members);
    const failed = this.#all.filter((result) => result.result === "failed");
    const [first] = failed;
    const done = this.#all.filter(({ result }) => result === "applied" || result === "undone").length;
    const unbegun = this.#all.filter(isUnbegun);
    if (unbegun.length > 0 || (failed.some(({ error }) => error.code === "stopped") && done > 0)) {
      const ids = [...failed, ...unbegun].map(({ id }) => id).join(", ");
      const hint = first?.error.hint ?? "No update is half done. Run it again for the others.";
      const message = `asked to end: ${done} done; not done: ${ids}`;
      throw new RebootlessError("stopped", message, { hint, answer, cause: first?.error });
    }
    if (!first) {
      this.#requireAsked(done, answer);
      this.#context.terminal.result(command, answer);
      return;
    }
    if (done === 0 && failed.length === 1) throw restated(first.error, { answer });
    const { code, details, hint } = first.error;
    const told = { details, answer, ...(hint !== undefined && { hint }) };
    const sum = `${done} done, ${failed.length} could not be: ${failed.map(({ id }) => id).join(", ")}`;
    throw new RebootlessError(done > 0 ? "partly_applied" : code, sum, { ...told, cause: first.error });
  }

  /** Throws unless all updates that were asked for are applied, by the last result of each. */
  #requireAsked(done: number, answer: Answer): void {
    const notIn = [...this.#asked].flatMap((id) => {
      const last = this.#all.findLast((result) => result.id === id);
      const why = last && whyOut(last);
      return why === undefined ? [] : [{ id, why }];
    });
    if (notIn.length === 0) return;
    const some = done > 0 || notIn.length < this.#asked.size;
    const message = notIn.map(({ id, why }) => `${id} is not applied: ${why}`).join("; ");
    const hint = `\`rebootless show ${notIn[0]?.id}\` shows all about it.`;
    throw new RebootlessError(some ? "partly_applied" : "left_out", message, { hint, answer });
  }

  #answer(members: Answer): Answer {
    return { ...members, results: this.#all.map(resultToJson) };
  }
}

/** Returns why an update is not in force after a result that is not a failure. */
function whyOut(result: Result): string | undefined {
  if (result.result === "left_out") return leftOutReason(result.why);
  return result.result === "undone" || result.result === "would_undo" ? result.why : undefined;
}

const isUnbegun = (result: Result): boolean =>
  result.result === "left_out" && result.why.reason === "stopped";

/** The results that go into the machine's log. */
const CHANGES: ReadonlySet<Result["result"]> = new Set(["applied", "undone", "settled"]);

export function resultLine(result: Result): string {
  const { id } = result;
  switch (result.result) {
    case "applied":
      return `applied    ${id} in ${result.milliseconds} ms${also(result)}`;
    case "would_apply":
      return `would apply ${id}: verified and matched, not loaded${also(result)}`;
    case "undone":
      return `undone     ${id} in ${result.milliseconds} ms: ${result.why}`;
    case "would_undo":
      return `would undo ${id}: ${result.why}`;
    case "settled":
      return `settled    ${id}: a run was cut short; it is ${result.applied ? "applied" : "not applied"}`;
    case "matched":
      return `matched    ${id}: ${result.objects.join(", ")} loaded later and is the code that it was made for`;
    case "kept":
      return `${id} was recalled and is still applied: ${result.why}; \`rebootless undo ${id}\` takes it out`;
    case "failed":
      return `failed     ${id}: ${result.error.message}`;
    case "left_out":
      return leftOutLine(result.why);
  }
}

const also = ({
  pending,
  replaced,
}: {
  readonly pending: readonly string[];
  readonly replaced: readonly string[];
}) =>
  [
    replaced.length > 0 ? `; replaces ${replaced.join(", ")}` : "",
    pending.length > 0 ? `; pending until they are loaded: ${pending.join(", ")}` : "",
  ].join("");

function resultToJson(result: Result): JsonObject {
  const { id, result: kind } = result;
  switch (kind) {
    case "applied": {
      const { milliseconds, pending, replaced } = result;
      return jsonObject({ id, result: kind, milliseconds, pending, replaced });
    }
    case "would_apply":
      return jsonObject({ id, result: kind, pending: result.pending, replaces: result.replaced });
    case "undone":
      return jsonObject({ id, result: kind, milliseconds: result.milliseconds, why: result.why });
    case "would_undo":
    case "kept":
      return jsonObject({ id, result: kind, why: result.why });
    case "settled":
      return jsonObject({ id, result: kind, applied: result.applied });
    case "matched":
      return jsonObject({ id, result: kind, objects: result.objects });
    case "failed": {
      const { code, message, details } = result.error;
      return jsonObject({ id, result: kind, code, cause: details["cause"], message });
    }
    case "left_out":
      return jsonObject({ id, result: kind, code: result.why.reason, reason: leftOutReason(result.why) });
  }
}
