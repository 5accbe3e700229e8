import { EXIT } from "../../shared/exit_codes.ts";

export type ExitName = keyof typeof EXIT;

/** A few words about each exit code, for `--help`. The rest is in exit_table.ts, which hosts do not load. */
export const EXIT_SHORT: Readonly<Record<ExitName, string>> = {
  ok: "done, or nothing to do",
  error: "another error",
  usage: "usage or configuration",
  unreachable: "feed unreachable",
  trust: "trust failure",
  notCovered: "kernel not covered",
  runpre: "the running kernel does not match (run-pre)",
  notPermitted: "not permitted: not root, lockdown, or you said no",
  expired: "the feed's metadata has expired",
  apply: "the kernel refused or did not finish",
  locked: "another run holds the lock",
  partlyApplied: "applied in part",
  conflict: "others published first",
  refused: "the edge refused what was sent",
  clock: "this host's clock cannot be right",
  stopped: "asked to end (SIGINT, SIGTERM)",
  notLive: "the patch cannot be applied to a running kernel",
  unchanged: "the patch changes no code of this kernel",
  leftOut: "something that was named is left out",
  oldNode: "this Node is too old",
  noList: "the feed has no list of its kernels",
  noMatch: "the feed has no kernel of what was chosen",
  untried: "a draft was not tried, or did not pass",
  toSign: "signing requests wait for signatures",
  available: "there is something to apply (check --exit-code)",
};

const PUBLISHERS_ALONE: ReadonlySet<ExitName> = new Set([
  "conflict",
  "refused",
  "notLive",
  "unchanged",
  "untried",
  "toSign",
]);
const HOSTS_ALONE: ReadonlySet<ExitName> = new Set([
  "runpre",
  "apply",
  "partlyApplied",
  "clock",
  "stopped",
  "noMatch",
  "available",
]);

/** Lists the exits that one of the two programs can end with, in the order of their numbers. */
export function endsOf(program: "host" | "publisher"): readonly ExitName[] {
  const others = program === "host" ? PUBLISHERS_ALONE : HOSTS_ALONE;
  const names = (Object.keys(EXIT) as ExitName[]).filter((name) => !others.has(name));
  return names.sort((a, b) => EXIT[a] - EXIT[b]);
}

/** Returns the last part of a program's `--help`. */
export const exitCodesHelp = (program: "host" | "publisher"): string =>
  [
    "",
    "Exit codes:",
    ...endsOf(program).map((name) => `${String(EXIT[name]).padStart(4)}  ${EXIT_SHORT[name]}`),
  ].join("\n");
