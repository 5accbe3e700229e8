import { EXIT } from "../../shared/exit_codes.ts";
import { type ExitName, endsOf } from "./exit_help.ts";

interface ExitMeaning {
  readonly meaning: string;
  /** The advice for the person who sees the code. It is empty if nothing needs to be done. */
  readonly advice: string;
}

/** The text about each exit code in manual pages and docs/exit-codes.md. */
export const EXIT_TABLE: Readonly<Record<ExitName, ExitMeaning>> = {
  ok: { meaning: "done, or nothing to do", advice: "" },
  error: {
    meaning: "anything that has no code of its own; `doctor`: a check failed",
    advice: "read `error:`",
  },
  usage: {
    meaning: "the command line or the configuration is wrong",
    advice: "`--help`, `rebootless init`",
  },
  unreachable: {
    meaning: "the feed did not answer, or not with the file",
    advice: "check the network; what is applied stays applied",
  },
  trust: {
    meaning: "something does not verify, is for another kernel, or went back in version",
    advice: "nothing was loaded; tell the publisher",
  },
  notCovered: {
    meaning:
      "the feed has nothing for this kernel build; `verify --kernel`: the fingerprints are of another build",
    advice: "`rebootless check` says what the feed has of the same series",
  },
  runpre: {
    meaning:
      "the running kernel is not the code that the update was made for; `verify --kernel`: functions differ and nothing explains it",
    advice: "nothing was loaded; find out who changed it",
  },
  notPermitted: {
    meaning: "not root, or lockdown or a container forbids it, or you said no",
    advice: "",
  },
  expired: {
    meaning:
      "what the feed signed is out of date, or this host's clock is wrong; `root status --exit-code`: something will be soon",
    advice: "check the clock, then the feed",
  },
  apply: {
    meaning: "the kernel refused, or a transition did not end in time and was reversed",
    advice: "`dmesg`; try again later",
  },
  locked: {
    meaning: "another run holds the lock",
    advice: "",
  },
  partlyApplied: {
    meaning: "some updates went in, others could not",
    advice: "read the lines above",
  },
  conflict: {
    meaning: "others published first: again and again, or since the signing request was made",
    advice: "run `push` again",
  },
  refused: {
    meaning: "the edge checked a publish and would not have it",
    advice: "read its reason",
  },
  clock: {
    meaning: "this host's clock cannot be right: nothing was decided by it",
    advice: "set the clock; if it is right now and was ahead before, do what the hint says",
  },
  stopped: {
    meaning:
      "a change was asked to end by SIGINT or SIGTERM: what was under way was finished or taken back, the rest not begun",
    advice: "run it again",
  },
  notLive: {
    meaning:
      "`create`: the patch (of a series, everything that would change code) changes what cannot be changed while the kernel runs, or does not compile; the report names each",
    advice: "docs/patch-authors.md",
  },
  unchanged: {
    meaning: "`create`: the patch changes no code of this kernel, so there is nothing to make",
    advice: "",
  },
  leftOut: {
    meaning:
      "`upgrade ID`: nothing failed, and an update that was named is not applied in the end: held, not pinned, recalled, superseded, in conflict, without what it needs; `create --kernels`: a kernel gets no update that it may need",
    advice: "read the message; `rebootless show ID`",
  },
  oldNode: {
    meaning: "the Node that runs the program is too old for it: nothing was done",
    advice: "install the Node that the message names",
  },
  noList: {
    meaning:
      "`mirror sync`, `backup`, `recall`: the feed has no list of its kernels, or one that does not end; what was known of was brought up to date",
    advice: "serve `kernels/index.json` too (docs/mirroring.md), or name kernels by `--kernel` or `--for`",
  },
  noMatch: {
    meaning: "`mirror sync`: the feed has no kernel of what was chosen, and neither has the mirror",
    advice: "look at the choice; patterns are matched against all of `uname -r`",
  },
  untried: {
    meaning:
      "`try`: a draft did not pass; `push --require-tried`: a draft was not tried as it is, or did not pass",
    advice: "read the file beside the draft (`.tried.json`); do not sign the draft",
  },
  toSign: {
    meaning: "`follow`: everything else was done, and signing requests wait for signatures",
    advice: "`sign` each file in `follow/requests/`; the next run publishes those that are complete",
  },
  available: {
    meaning: "there is something to apply: `check --exit-code` alone",
    advice: "`rebootless upgrade`",
  },
};

/** An exit code with everything that the documents say about it. */
export interface Exit extends ExitMeaning {
  readonly name: ExitName;
  readonly code: number;
}

const exit = (name: ExitName): Exit => ({ name, code: EXIT[name], ...EXIT_TABLE[name] });

/** Lists all exits in the order of their numbers. */
export const exits = (): readonly Exit[] =>
  (Object.keys(EXIT) as ExitName[]).map(exit).sort((a, b) => a.code - b.code);

/** Lists the exits that one of the programs can end with, in the order of their numbers. */
export const exitsOf = (program: "host" | "publisher"): readonly Exit[] => endsOf(program).map(exit);
