import { type ProgramResult, runProgram } from "../../node/processes.ts";
import { utf8 } from "../../shared/bytes.ts";
import { Decoder } from "../../shared/decode.ts";
import { parseJson } from "../../shared/json.ts";
import type { PublisherContext } from "../context.ts";

/** The longest time that a command of this program may take, in milliseconds: a series for many kernels takes hours. */
const SELF_TIMEOUT_MS = 7 * 24 * 60 * 60_000;

/** The variables of this process that commands heed. */
const HEEDED = ["TMPDIR", "http_proxy", "https_proxy", "no_proxy"];

/**
 * Runs another command of this program in a process of its own.
 * @param descriptors open files that the process has as long as it runs, such as that of a lock.
 */
export function runSelf(
  { self, sourceDate }: Pick<PublisherContext, "self" | "sourceDate">,
  words: readonly string[],
  descriptors: readonly number[] = [],
): Promise<ProgramResult> {
  const [program = "", ...start] = self;
  return runProgram(program, [...start, ...words], {
    env: environment(sourceDate),
    descriptors,
    timeoutMs: SELF_TIMEOUT_MS,
  });
}

function environment(sourceDate: string | undefined): Record<string, string> {
  const own = HEEDED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(own), ...(sourceDate !== undefined && { SOURCE_DATE_EPOCH: sourceDate }) };
}

/** Reads what a command printed with --json, or returns undefined if it printed no object. */
export function selfAnswer(stdout: string): Decoder | undefined {
  const text = stdout.trim();
  if (!text.startsWith("{")) return undefined;
  const bytes = utf8(text);
  return new Decoder(parseJson(bytes, "the answer", bytes.length), "the answer");
}
