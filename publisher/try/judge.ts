import { excerpt } from "../../shared/printable.ts";
import type { Accelerator } from "./guest/qemu.ts";
import { problemsIn } from "./kernel_log.ts";
import { newTaint } from "./taint.ts";
import type { StepName, StepRecord } from "./trial.ts";

/** The kinds of reasons why a draft must not be published. */
export const TRIAL_FAULTS = [
  "down", // the guest's kernel crashed, or QEMU ended
  "kernel_log", // the kernel said that something is wrong
  "taint", // the kernel is tainted by more than a live patch
  "late", // a step did not end in its time
  "client", // the host's client did not do what it was told
  "load", // ordinary system calls failed
  "reproducer", // the publisher's script passed without the update, or failed with it
  "left_over", // something of the update stayed in the kernel after it was undone
] as const;
export type TrialFault = (typeof TRIAL_FAULTS)[number];

/** What a trial says about a draft. */
export type Verdict =
  | { readonly verdict: "ok" }
  | {
      readonly verdict: "bad";
      readonly fault: TrialFault;
      readonly step: StepName;
      /** One sentence for people. */
      readonly detail: string;
      /** The lines of the kernel's log, or of what the step printed, that show it. */
      readonly lines: readonly string[];
    };

/** The most lines that are kept, and the most characters of each. A warning with its call trace has some 60 lines. */
export const MAX_SHOWN_LINES = 100;
export const MAX_SHOWN_CHARACTERS = 400;

/** Judges a trial by the first thing that is wrong. */
export function judge(steps: readonly StepRecord[], accelerator: Accelerator): Verdict {
  const before = steps.find(({ step }) => step === "load_before")?.state;
  for (const record of steps) {
    const isReproducer = record.step === "exercise_before";
    const bad = isReproducer ? reproducerBefore(record) : fault(record, accelerator);
    if (bad !== undefined) return bad;
    const { state } = record;
    // What the script leaves in the kernel of its own guest, such as the taint of an oops, is what it shows.
    if (isReproducer || state === undefined || before === undefined) continue;
    const taint = newTaint(before.taint, state.taint);
    if (taint.length > 0) return verdict(record, "taint", `the kernel is tainted by ${taint.join(", ")}`);
    if (record.step !== "undo") continue;
    const left = [
      ...state.modules.filter((name) => !before.modules.includes(name)),
      ...state.patches.filter((name) => !before.patches.includes(name)),
    ];
    if (left.length > 0)
      return verdict(record, "left_over", `these stay after the update was undone: ${left.join(", ")}`);
  }
  return { verdict: "ok" };
}

/** The script must fail without the update. How it fails does not matter: it may bring the guest down. */
function reproducerBefore(record: StepRecord): Verdict | undefined {
  const { end } = record;
  if (end.kind !== "exit" || end.code !== 0) return undefined;
  return verdict(
    record,
    "reproducer",
    "the script passes without the update, so it does not show what the update fixes",
    end.said,
  );
}

function fault(record: StepRecord, accelerator: Accelerator): Verdict | undefined {
  const { step, end, log } = record;
  const problems = problemsIn(log, accelerator);
  if (end.kind === "down") {
    const [first = "the guest ended"] = problemsIn(end.said, accelerator);
    return verdict(record, "down", `the guest went down: ${first}`, fromFirst(end.said, first));
  }
  const [problem] = problems;
  if (problem !== undefined)
    return verdict(record, "kernel_log", `the kernel says: ${problem}`, fromFirst(log, problem));
  if (end.kind === "late") return verdict(record, "late", "it did not end in its time", end.said);
  if (end.code === 0) return undefined;
  const detail = `exit code ${end.code}`;
  switch (step) {
    case "load_before":
    case "load":
    case "load_again":
      return verdict(record, "load", `ordinary system calls fail: ${detail}`, end.said);
    case "exercise_before":
    case "exercise":
      return verdict(record, "reproducer", `the script fails with the update: ${detail}`, end.said);
    default:
      return verdict(record, "client", `the host's client ended with ${detail}`, end.said);
  }
}

/** Returns a log from a line on. */
const fromFirst = (log: string, line: string): string => log.slice(Math.max(0, log.indexOf(line)));

function verdict({ step }: StepRecord, kind: TrialFault, detail: string, text = ""): Verdict {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return {
    verdict: "bad",
    fault: kind,
    step,
    detail: excerpt(detail, MAX_SHOWN_CHARACTERS),
    lines: lines.slice(0, MAX_SHOWN_LINES).map((line) => excerpt(line, MAX_SHOWN_CHARACTERS)),
  };
}
