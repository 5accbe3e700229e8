import { EXIT } from "./exit_codes.ts";

type ExitName = keyof typeof EXIT;

interface ExitMeaning {
  /** A few words, for `--help`. */
  readonly short: string;
  readonly meaning: string;
  /** What whoever sees it does next; empty where there is nothing to do. */
  readonly advice: string;
}

/** The one text about exit codes: help, man pages and docs/exit-codes.md say this. */
export const EXIT_TABLE: Readonly<Record<ExitName, ExitMeaning>> = {
  ok: { short: "done, or nothing to do", meaning: "done, or nothing to do", advice: "" },
  error: {
    short: "another error",
    meaning: "anything that has no code of its own; `doctor`: a check failed",
    advice: "read `error:`",
  },
  usage: {
    short: "usage or configuration",
    meaning: "the command line or the configuration is wrong",
    advice: "`--help`, `rebootless init`",
  },
  unreachable: {
    short: "feed unreachable",
    meaning: "the feed did not answer, or not with the file",
    advice: "check the network; what is applied stays applied",
  },
  trust: {
    short: "trust failure",
    meaning: "something does not verify, is for another kernel, or went back in version",
    advice: "nothing was loaded; tell the publisher",
  },
  notCovered: {
    short: "kernel not covered",
    meaning:
      "the feed has nothing for this kernel build; `verify --kernel`: the fingerprints are of another build",
    advice: "`rebootless check` says what the feed has of the same series",
  },
  runpre: {
    short: "the running kernel does not match (run-pre)",
    meaning:
      "the running kernel is not the code that the update was made for; `verify --kernel`: functions differ and nothing explains it",
    advice: "nothing was loaded; find out who changed it",
  },
  notPermitted: {
    short: "not permitted (not root, lockdown)",
    meaning: "not root, or lockdown or a container forbids it, or you said no",
    advice: "",
  },
  expired: {
    short: "the feed's metadata has expired",
    meaning:
      "what the feed signed is out of date, or this host's clock is wrong; `root status --exit-code`: something will be soon",
    advice: "check the clock, then the feed",
  },
  apply: {
    short: "the kernel refused or did not finish",
    meaning: "the kernel refused, or a transition did not end in time and was reversed",
    advice: "`dmesg`; try again later",
  },
  locked: {
    short: "another run holds the lock",
    meaning: "another run holds the lock",
    advice: "",
  },
  partlyApplied: {
    short: "applied in part",
    meaning: "some updates went in, others could not",
    advice: "read the lines above",
  },
  conflict: {
    short: "others published first",
    meaning: "others published first: again and again, or since the signing request was made",
    advice: "run `push` again",
  },
  refused: {
    short: "the edge refused what was sent",
    meaning: "the edge checked a publish and would not have it",
    advice: "read its reason",
  },
  clock: {
    short: "this host's clock cannot be right",
    meaning: "this host's clock cannot be right: nothing was judged by it",
    advice: "set the clock; if it is right now and was ahead before, do what the hint says",
  },
  stopped: {
    short: "asked to end (SIGINT, SIGTERM)",
    meaning:
      "a change was asked to end by SIGINT or SIGTERM: what was under way was finished or taken back, the rest not begun",
    advice: "run it again",
  },
  notLive: {
    short: "the patch cannot be applied to a running kernel",
    meaning:
      "`create`: the patch changes what cannot be changed while the kernel runs; the report names each",
    advice: "docs/patch-authors.md",
  },
  unchanged: {
    short: "the patch changes no code of this kernel",
    meaning: "`create`: the patch changes no code of this kernel, so there is nothing to make",
    advice: "",
  },
  leftOut: {
    short: "an update that was named is not applied",
    meaning:
      "`upgrade ID`: nothing failed, and an update that was named is not applied in the end: held, not pinned, recalled, superseded, in conflict, without what it needs",
    advice: "read the message; `rebootless show ID`",
  },
  available: {
    short: "there is something to apply (check --exit-code)",
    meaning: "there is something to apply: `check --exit-code` alone",
    advice: "`rebootless upgrade`",
  },
};

/** What ends only a publisher's command. */
const PUBLISHERS_ALONE: ReadonlySet<ExitName> = new Set(["conflict", "refused", "notLive", "unchanged"]);

/** A code with all that is said about it. */
export interface Exit extends ExitMeaning {
  readonly name: ExitName;
  readonly code: number;
}

/** By number. */
export const exits = (): readonly Exit[] =>
  (Object.keys(EXIT_TABLE) as ExitName[])
    .map((name) => ({ name, code: EXIT[name], ...EXIT_TABLE[name] }))
    .sort((a, b) => a.code - b.code);

/** Those that the host's command can end with. */
export const hostExits = (): readonly Exit[] => exits().filter(({ name }) => !PUBLISHERS_ALONE.has(name));

/** The end of the host's `--help`. */
export const exitCodesHelp = (): string =>
  ["", "Exit codes:", ...hostExits().map(({ code, short }) => `${String(code).padStart(4)}  ${short}`)].join(
    "\n",
  );
