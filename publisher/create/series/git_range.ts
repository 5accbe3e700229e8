import { RebootlessError } from "../../../shared/errors.ts";
import { mustRunBuildTool } from "../source/build_tools.ts";
import { MAX_FIXES, MAX_SERIES_BYTES, type PatchMail } from "./fix.ts";

/** A range of commits of a local clone: those that `to` has and `from` does not have. */
export interface GitRange {
  readonly repository: string;
  readonly from: string;
  readonly to: string;
}

const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/~^-]{0,199}$/;

/** Parses "A..B". @throws RebootlessError `usage`. */
export function gitRange(repository: string, range: string): GitRange {
  const [from = "", to = "", ...more] = range.split("..");
  if (more.length === 0 && REVISION.test(from) && REVISION.test(to)) return { repository, from, to };
  throw new RebootlessError("usage", `${JSON.stringify(range.slice(0, 80))} is not a range of commits`, {
    hint: "Give a clone and a range of it: --series linux v6.1.190..v6.1.192",
  });
}

/**
 * What keeps git from running anything that the clone's own configuration names, and from reaching another machine: no
 * configuration but the clone's is read, and what in it could start a program is overruled, or belongs to commands that
 * are not used (pagers, hooks, filters, remote helpers of a partial clone, external diffs).
 */
const GUARDED = {
  env: {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
  },
  settings: ["core.hooksPath=/dev/null", "core.fsmonitor=false", "log.showSignature=false"],
} as const;

type Git = (args: readonly string[], stdin?: string) => Promise<string>;

const gitIn =
  (repository: string): Git =>
  (args, stdin = "") =>
    mustRunBuildTool(
      "git",
      [...GUARDED.settings.flatMap((setting) => ["-c", setting]), "--no-pager", "-C", repository, ...args],
      { env: GUARDED.env, encoding: "latin1", maxOutput: MAX_SERIES_BYTES + 1, stdin },
    );

/** Returns the commit that a revision of a local clone names, with all 40 digits. @throws RebootlessError `usage`, `io`. */
export async function commitAt(repository: string, revision: string): Promise<string> {
  if (!REVISION.test(revision))
    throw new RebootlessError("usage", `${JSON.stringify(revision.slice(0, 80))} is not a revision`);
  const git = gitIn(repository);
  const found = await git(["rev-parse", "--verify", "--end-of-options", `${revision}^{commit}`]);
  return found.trim();
}

/** Reads the commits of a range, the oldest first and without merges. @throws RebootlessError `io`, `limit`, `usage`. */
export async function commitsOf(range: GitRange): Promise<readonly PatchMail[]> {
  const commits = await commitsBetween(range);
  if (commits.length > 0) return commits;
  throw new RebootlessError("usage", `${range.from}..${range.to} has no commits`);
}

/** Does as `commitsOf`, but a range may be empty. @throws RebootlessError `io`, `limit`. */
export async function commitsBetween({ repository, from, to }: GitRange): Promise<readonly PatchMail[]> {
  const git = gitIn(repository);
  const count = `--max-count=${MAX_FIXES + 1}`;
  const listed = await git([
    "rev-list",
    "--reverse",
    "--topo-order",
    "--no-merges",
    count,
    "--end-of-options",
    `${from}..${to}`,
    "--",
  ]);
  const commits = listed.split("\n").filter((line) => /^[0-9a-f]{40}$/.test(line));
  if (commits.length > MAX_FIXES)
    throw new RebootlessError("limit", `the range has more than ${MAX_FIXES} commits`);
  if (commits.length === 0) return [];
  const text = await git(
    [
      "diff-tree",
      "--stdin",
      "-r",
      "-p",
      "--root",
      "--pretty=raw",
      "--no-ext-diff",
      "--no-textconv",
      "--no-renames",
      "--no-color",
      "--src-prefix=a/",
      "--dst-prefix=b/",
    ],
    `${commits.join("\n")}\n`,
  );
  if (text.length > MAX_SERIES_BYTES)
    throw new RebootlessError("limit", `the range has more than ${MAX_SERIES_BYTES} bytes`);
  return commitsIn(text);
}

/** Splits what git printed. In messages, which are indented, and in diffs no line begins with "commit". */
function commitsIn(text: string): readonly PatchMail[] {
  return text
    .split(/^(?=commit [0-9a-f]{40}$)/m)
    .filter((each) => each.trim() !== "")
    .map((each) => ({ name: each.slice(7, 19), text: each }));
}
