import { Decoder } from "../../shared/decode.ts";
import { parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES, MAX_UPDATES } from "../../shared/limits.ts";
import type { BootedGuest } from "./guest/booted_guest.ts";
import type { GuestState, StepEnd, StepName, StepRecord, TimedChange } from "./trial.ts";

/** The time for asking the guest's kernel how it is. */
const STATE_TIMEOUT_MS = 60_000;
/** The last characters that are kept of what a step printed, and of a console. */
const MAX_SAID = 64_000;
/** The most names of modules, and of live patches, that are read. */
const MAX_NAMES = 10_000;

/** Prints the taint, the modules and the live patches, each behind a line with `--`, and then the log, which it clears. */
const STATE = `cat /proc/sys/kernel/tainted
echo -- && cut -d ' ' -f 1 /proc/modules
echo -- && ls /sys/kernel/livepatch
echo -- && dmesg -c`;

/** A step that was taken, and what it printed on stdout. */
export interface TakenStep {
  readonly record: StepRecord;
  readonly stdout: string;
}

/** Takes one step in a guest: runs a script, and asks the kernel how it is afterwards. Nothing of it throws. */
export async function takeStep(
  guest: BootedGuest,
  step: StepName,
  script: readonly string[] | string,
  timeoutMs: number,
): Promise<TakenStep> {
  const start = performance.now();
  const { end, stdout } = await run(guest, script, timeoutMs);
  const ms = Math.round(performance.now() - start);
  const { log = "", state } = end.kind === "down" ? { state: undefined } : await ask(guest);
  const isDown = end.kind !== "down" && guest.crash() !== undefined;
  return { record: { step, ms, end: isDown ? down(guest) : end, log, state }, stdout };
}

async function run(
  guest: BootedGuest,
  script: readonly string[] | string,
  timeoutMs: number,
): Promise<{ readonly end: StepEnd; readonly stdout: string }> {
  try {
    const { code, stdout, stderr } = await guest.exec(script, { timeoutMs });
    return { end: { kind: "exit", code, said: `${stderr}${stdout}`.slice(-MAX_SAID) }, stdout };
  } catch (error) {
    if (guest.crash() !== undefined) return { end: down(guest), stdout: "" };
    return { end: { kind: "late", said: String(error).slice(-MAX_SAID) }, stdout: "" };
  }
}

const down = (guest: BootedGuest): StepEnd => ({ kind: "down", said: guest.console().slice(-MAX_SAID) });

async function ask(
  guest: BootedGuest,
): Promise<{ readonly log?: string; readonly state: GuestState | undefined }> {
  try {
    const [taint = "", modules = "", patches = "", ...log] = (
      await guest.mustExec(STATE, { timeoutMs: STATE_TIMEOUT_MS })
    ).split("--\n");
    return {
      log: log.join("--\n"),
      state: { taint: Number(taint), modules: namesIn(modules), patches: namesIn(patches) },
    };
  } catch {
    return { state: undefined };
  }
}

const namesIn = (text: string): readonly string[] =>
  text
    .split("\n")
    .filter((name) => name !== "")
    .slice(0, MAX_NAMES);

/** Reads what the host's client says that it changed. @param stdout its answer to --json. @throws ParseError. */
export function timedChanges(stdout: string): readonly TimedChange[] {
  const bytes = Buffer.from(stdout);
  const answer = new Decoder(
    parseJson(bytes, "the client's answer", MAX_SMALL_VALUES),
    "the client's answer",
  );
  return answer
    .get("results")
    .array(MAX_UPDATES)
    .flatMap((result): readonly TimedChange[] => {
      const did = result.get("result").string();
      if (did !== "applied" && did !== "undone") return [];
      return [{ id: result.get("id").string(), did, ms: result.get("milliseconds").integer(0) }];
    });
}
