import { typeChanges } from "../layout/type_changes.ts";
import { unitTypes } from "../layout/unit_types.ts";
import type { UpdateReport } from "../update.ts";
import { patchText } from "./edited_patch.ts";
import { withShadowFunctions } from "./shadow_skeleton.ts";
import { fileStem, type MadeSkeletons, type Skeleton } from "./skeleton.ts";
import type { SkeletonTools } from "./skeleton_tools.ts";
import { tryFiles } from "./try_files.ts";

/** The most types for which functions are written, and the most files that get those of one type. */
const MAX_SHADOWS = 4;
const MAX_SHADOW_FILES = 16;

/** Makes patches that add, to the files that a fix changes, functions for shadow variables in place of new members. */
export async function makeShadows(
  { workspace, changes, pairs }: SkeletonTools,
  { refusals }: UpdateReport,
): Promise<MadeSkeletons> {
  const skeletons: Skeleton[] = [];
  const notes: string[] = [];
  const refused = refusals.filter(({ code }) => code === "changed_type").slice(0, MAX_SHADOWS);
  for (const { subject } of refused) {
    const users = pairs.flatMap((pair) => {
      const [before, after] = [unitTypes(pair.before), unitTypes(pair.after)];
      if (before === undefined || after === undefined) return [];
      const change = typeChanges({ before, after }).find(({ name }) => name === subject);
      return change === undefined ? [] : { pair, change };
    });
    const own = users.filter(({ pair }) => changes.some(({ path }) => path === pair.source));
    const chosen = (own.length > 0 ? own : users.slice(0, 1)).slice(0, MAX_SHADOW_FILES);
    const files = chosen.flatMap(({ pair: { source, sourceBefore }, change }) => {
      const after = withShadowFunctions(sourceBefore, change);
      return after === undefined ? [] : { path: source, before: sourceBefore, after };
    });
    if (files.length === 0) continue;
    const { compiled, failed } = await tryFiles(workspace, files);
    for (const { path, message } of failed)
      notes.push(
        `there is no skeleton of shadow variables for ${subject} in ${path}, because it would not compile: ${message}`,
      );
    if (compiled.length === 0) continue;
    const file = `skeleton-shadow-${fileStem(subject)}.patch`;
    skeletons.push({ file, text: await patchText(compiled) });
    notes.push(
      `${file} adds functions for shadow variables in place of the new members of ${subject}, and compiles: apply it to the source in place of the members, and call the functions where the fix uses them`,
    );
  }
  return { skeletons, notes };
}
