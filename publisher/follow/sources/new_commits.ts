import { fixOf, type PatchMail } from "../../create/series/fix.ts";
import { commitAt, commitsBetween } from "../../create/series/git_range.ts";
import type { CloneNote } from "../follow_state.ts";
import type { FoundFix } from "../found_fixes.ts";

/** A branch of a local clone whose new commits are fixes. */
export type FollowedBranch = Omit<CloneNote, "commit">;

/** What is new on a branch, and how far it has been read then. */
export interface NewCommits {
  readonly fixes: readonly FoundFix[];
  readonly note: CloneNote;
}

/**
 * Reads the commits that a branch has since last time. A branch that is read for the first time has none, unless it is said
 * after which commit they are new. The clone is read as it is: fetching is for whoever keeps it.
 * @throws RebootlessError `usage`, `io`, `limit`.
 */
export async function newCommits(
  branch: FollowedBranch,
  notes: readonly CloneNote[],
  since: string | undefined,
): Promise<NewCommits> {
  const { repository } = branch;
  const to = await commitAt(repository, branch.branch);
  const known = notes.find((note) => note.repository === repository && note.branch === branch.branch);
  const from = known?.commit ?? (since === undefined ? to : await commitAt(repository, since));
  const mails = from === to ? [] : await commitsBetween({ repository, from, to });
  const fixes = mails.flatMap((mail): readonly FoundFix[] => {
    const { subject, cves, commits, steps, unreadable } = fixOf(mail);
    if (steps.length === 0 && unreadable === undefined) return [];
    const files = [{ name: `${mail.name}.patch`, bytes: patchOf(mail, subject) }];
    const origin = `commit:${commits[0] ?? mail.name}`;
    return [{ origin, name: `commit-${mail.name}`, kind: "patch", subject, cves, files }];
  });
  return { fixes, note: { ...branch, commit: to } };
}

/** Returns a commit as a patch. Its message is left out, because patch(1) would take a diff that it quotes for one to apply. */
function patchOf({ name, text }: PatchMail, subject: string): Uint8Array {
  const diff = text.slice(text.search(/^diff --git /m));
  return Buffer.concat([
    Buffer.from(`Commit: ${name}\nSubject: ${subject}\n\n`),
    Buffer.from(diff, "latin1"),
  ]);
}

/** Returns notes with one replaced or added. */
export const withNote = (notes: readonly CloneNote[], changed: CloneNote): readonly CloneNote[] => [
  ...notes.filter((note) => note.repository !== changed.repository || note.branch !== changed.branch),
  changed,
];
