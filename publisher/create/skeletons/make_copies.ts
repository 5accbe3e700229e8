import { changedLines } from "../explain/changed_lines.ts";
import { functionRanges, type NamedRange } from "../explain/definition.ts";
import { tokensOf } from "../layout/c_text.ts";
import type { FileChange } from "../source/apply_patch.ts";
import type { UpdateReport } from "../update.ts";
import { type CallingFile, callersInTree } from "./callers_in_tree.ts";
import { changedFunctions, copyName, copyOf, copyWithNeeds, withCopy } from "./copy_skeleton.ts";
import { patchText } from "./edited_patch.ts";
import { type EditedFile, fileStem, type MadeSkeletons, type Skeleton } from "./skeleton.ts";
import type { SkeletonTools } from "./skeleton_tools.ts";
import { tryFiles } from "./try_files.ts";

/** The most files that get copies, and the most functions that are copied. */
const MAX_CALLING_FILES = 24;
const MAX_COPIED = 4;

/** A function that cannot be replaced where it is, and the file that defines it. */
interface CopiedFunction {
  readonly change: FileChange;
  readonly range: NamedRange;
}

/**
 * Makes patches in which the files that call a function have a copy of its new version, for inline functions of headers
 * that too many files include, and for functions that the kernel cannot redirect.
 */
export async function makeCopies(tools: SkeletonTools, report: UpdateReport): Promise<MadeSkeletons> {
  const wanted = await copiedFunctions(tools.changes, report);
  const made: MadeSkeletons[] = [];
  for (const one of wanted.slice(0, MAX_COPIED)) made.push(await makeCopy(tools, one));
  return {
    skeletons: made.flatMap(({ skeletons }) => skeletons),
    notes: made.flatMap(({ notes }) => notes),
  };
}

async function copiedFunctions(
  changes: readonly FileChange[],
  { refusals, units }: UpdateReport,
): Promise<readonly CopiedFunction[]> {
  const found: CopiedFunction[] = [];
  for (const { code, subject } of refusals) {
    const change = changes.find(({ path }) => path === subject);
    if (code !== "reach" || change?.after === undefined) continue;
    const ranges = changedFunctions(change.after, await changedLines(change));
    found.push(...ranges.map((range) => ({ change, range })));
  }
  for (const { source, refusals: own } of units) {
    const change = changes.find(({ path }) => path === source);
    const text = change?.after;
    if (change === undefined || text === undefined) continue;
    const ranges = functionRanges(tokensOf(text), text.split("\n"));
    for (const { code, subject } of own) {
      const range = ranges.find(({ name }) => name === subject.replace(/\..*$/, ""));
      if (code === "no_fentry" && range !== undefined) found.push({ change, range });
    }
  }
  return found;
}

async function makeCopy(
  { workspace, changes }: SkeletonTools,
  { change, range }: CopiedFunction,
): Promise<MadeSkeletons> {
  const { name } = range;
  const { path } = change;
  const none = (why: string): MadeSkeletons => ({
    skeletons: [],
    notes: [`there is no skeleton of a copy of ${name} (${path}): ${why}`],
  });
  const callers = (await callersInTree(workspace, changes, name)).filter((one) => one.path !== path);
  if (callers.length === 0) return none("no other file calls it by its name");
  if (callers.length > MAX_CALLING_FILES)
    return none(`${callers.length} files call it, and at most ${MAX_CALLING_FILES} are changed`);
  const whole = change.after ?? "";
  const copy = path.endsWith(".h") ? copyOf(whole, range) : copyWithNeeds(whole, range);
  const edited = callers.map((one) => editedCaller(one, changes, name, copy));
  const others = otherFiles(changes, { change, range }, edited);
  const { compiled, failed } = await tryFiles(workspace, edited, others);
  if (compiled.length === 0) return none(`it does not compile in ${failed[0]?.path}: ${failed[0]?.message}`);
  const file = `skeleton-copy-${fileStem(name)}.patch`;
  const skeleton: Skeleton = { file, text: await patchText([...others, ...compiled]) };
  const where = compiled.map((one) => one.path).join(", ");
  return {
    skeletons: [skeleton],
    notes: [
      `${file} is the fix with a copy of ${name}, named ${copyName(name)}, in what calls it (${where}), and compiles: give it as --patch in place of the fix. Calls in ${path} itself, in headers and through pointers still lead to the old function`,
      ...failed.map(
        (one) => `${file} leaves out ${one.path}, where the copy does not compile: ${one.message}`,
      ),
    ],
  };
}

function editedCaller(
  { path, text }: CallingFile,
  changes: readonly FileChange[],
  name: string,
  copy: string,
): EditedFile {
  const change = changes.find((one) => one.path === path);
  return { path, before: change?.before ?? text, after: withCopy(text, name, copy) };
}

/** Returns what else the fix changes: its file without the function that is copied, and all files that get no copy. */
function otherFiles(
  changes: readonly FileChange[],
  { change, range }: CopiedFunction,
  edited: readonly EditedFile[],
): readonly EditedFile[] {
  return changes.flatMap(({ path, before, after }) => {
    if (before === undefined || after === undefined || edited.some((one) => one.path === path)) return [];
    const text = path === change.path ? withOldFunction(before, after, range) : after;
    return text === before ? [] : { path, before, after: text };
  });
}

/** Puts the old version of a function into a patched text. */
function withOldFunction(before: string, after: string, { name, from, to }: NamedRange): string {
  const old = before.split("\n");
  const range = functionRanges(tokensOf(before), old).find((one) => one.name === name);
  if (range === undefined) return after;
  const lines = after.split("\n");
  return [...lines.slice(0, from - 1), ...old.slice(range.from - 1, range.to), ...lines.slice(to)].join("\n");
}
