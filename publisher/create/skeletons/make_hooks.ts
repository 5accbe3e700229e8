import { groupBy } from "../../../shared/group_by.ts";
import { openUnit } from "../object/pieces.ts";
import { compileHooks } from "../source/compile_hooks.ts";
import type { UpdateReport } from "../update.ts";
import { type HookVariable, hookText, hookVariable } from "./hook_skeleton.ts";
import type { MadeSkeletons, Skeleton } from "./skeleton.ts";
import type { SkeletonTools } from "./skeleton_tools.ts";
import { firstError } from "./try_files.ts";

/** The most variables that one hook names. */
const MAX_HOOK_VARIABLES = 32;

/** Makes hooks that name the variables whose initial values a fix changes. They set none. */
export async function makeHooks(
  { workspace, pairs }: SkeletonTools,
  { units }: UpdateReport,
): Promise<MadeSkeletons> {
  const skeletons: Skeleton[] = [];
  const notes: string[] = [];
  for (const [object, some] of groupBy(units, (unit) => unit.object)) {
    const variables: HookVariable[] = [];
    for (const { source, refusals } of some) {
      const pair = pairs.find((one) => one.source === source);
      const changed = refusals.filter(({ code }) => code === "changed_data");
      if (pair === undefined || changed.length === 0) continue;
      const { pieces } = openUnit(pair.before);
      for (const { subject } of changed) {
        const piece = pieces.find(({ names }) => names.includes(subject));
        const isFixed = piece?.isWritable !== true || piece.section.name.includes("ro_after_init");
        if (isFixed)
          notes.push(
            `there is no hook for ${subject}, because the running kernel has it in memory that cannot be written: let the changed functions use a new variable`,
          );
        else variables.push(hookVariable(pair, subject));
      }
    }
    if (variables.length === 0) continue;
    const file = `skeleton-hook-${object}.c`;
    const named = variables.slice(0, MAX_HOOK_VARIABLES);
    const names = named.map(({ name }) => name).join(", ");
    let message = "";
    for (const isTyped of [true, false]) {
      const text = hookText(object, file, named, isTyped);
      const compiled = await compileHooks(workspace, Buffer.from(text, "latin1"));
      if (compiled.kind === "compiled") {
        skeletons.push({ file, text });
        notes.push(
          `${file} is a hook that names ${names}, and compiles: it sets nothing until you write what is right for a running kernel`,
        );
        message = "";
        break;
      }
      message = firstError(compiled.output);
    }
    if (message !== "") notes.push(`there is no hook for ${names}, because it would not compile: ${message}`);
  }
  return { skeletons, notes };
}
