import { counted } from "../../../shared/counted.ts";
import { sourceOf } from "./affected.ts";
import type { FileChange } from "./apply_patch.ts";
import { compilePatched, seekObjects } from "./compile.ts";
import type { CompiledUnit, ObjectCache } from "./object_cache.ts";
import type { SourceRefusal } from "./source_refusal.ts";
import type { Workspace } from "./workspace.ts";

/** The number of symbols that a reason names. The report as JSON names all. */
const NAMED = 3;

/**
 * Refuses exported symbols whose types change: modules that were built against the old ones would misuse them.
 * genksyms computes a checksum of each type as far as the unit's includes show it, so an added include changes
 * checksums too; whether that is all is found out by hiding the patch's includes from genksyms.
 */
export async function changedExports(
  workspace: Workspace,
  cache: ObjectCache,
  object: string,
  before: CompiledUnit,
  after: CompiledUnit,
  changes: readonly FileChange[],
): Promise<readonly SourceRefusal[]> {
  const symbols = differing(before, after);
  const [first] = symbols;
  if (first === undefined) return [];
  const source = sourceOf(object);
  const isAlone = symbols.length === 1;
  const names = symbols.slice(0, NAMED).join(", ");
  const more = symbols.length > NAMED ? ` and ${symbols.length - NAMED} more` : "";
  const change = changes.find(({ path }) => path === source);
  const hidden = change && hideIncludes(change);
  const isByIncludes =
    hidden !== undefined && (await hasVersions(workspace, cache, object, before, [...changes], hidden));
  return [
    {
      code: "export",
      subject: isAlone ? first : `${counted(symbols.length, "exported symbol")} of ${source}`,
      reason: isByIncludes
        ? `an #include that the patch adds lets genksyms see more of ${isAlone ? "its type" : `their types: ${names}${more}`}`
        : isAlone
          ? `${source} exports it, and the patch changes its type for the modules that use it`
          : `the patch changes their types for the modules that use them: ${names}${more}`,
      advice: isByIncludes
        ? "Put the added #include lines between #ifndef __GENKSYMS__ and #endif. The types themselves do not change."
        : "Keep the types of exported functions, and put new members into shadow variables (klp_shadow_alloc).",
      ...(!isAlone && { symbols }),
      sources: [source],
    },
  ];
}

/** Returns the symbols that the unit before has with another checksum, or that only it has. */
function differing(before: CompiledUnit, after: CompiledUnit): readonly string[] {
  const now = new Set(after.versions.split("\n"));
  const gone = before.versions.split("\n").filter((line) => line !== "" && !now.has(line));
  return gone.map((line) => line.split(" ", 1)[0] ?? "");
}

/** Reports whether an object has the checksums of the one before, if one file's change is another. */
async function hasVersions(
  workspace: Workspace,
  cache: ObjectCache,
  object: string,
  before: CompiledUnit,
  changes: readonly FileChange[],
  instead: FileChange,
): Promise<boolean> {
  const others = changes.filter(({ path }) => path !== instead.path);
  const sought = await seekObjects(workspace, cache, [object], [...others, instead]);
  const made = await compilePatched(workspace, cache, sought);
  const outcome = made.kind === "done" ? made.value.get(object) : undefined;
  return outcome?.kind === "compiled" && differing(before, outcome.unit).length === 0;
}

const INCLUDE_LINE = /^\s*#\s*include\b/;

/** Returns a change whose new includes genksyms does not see, or undefined if it has no new ones. */
function hideIncludes(change: FileChange): FileChange | undefined {
  const { before = "", numbered = "" } = change;
  const old = new Set(before.split("\n").filter((line) => INCLUDE_LINE.test(line)));
  const lines = numbered.split("\n");
  const isNew = (line: string): boolean => INCLUDE_LINE.test(line) && !old.has(line);
  if (!lines.some(isNew)) return undefined;
  const hidden = lines.map((line) => (isNew(line) ? `#ifndef __GENKSYMS__\n${line}\n#endif` : line));
  return { ...change, numbered: hidden.join("\n") };
}
