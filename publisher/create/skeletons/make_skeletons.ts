import { RebootlessError } from "../../../shared/errors.ts";
import type { UpdateReport } from "../update.ts";
import { makeCopies } from "./make_copies.ts";
import { makeHooks } from "./make_hooks.ts";
import { makeShadows } from "./make_shadows.ts";
import type { MadeSkeletons } from "./skeleton.ts";
import type { SkeletonTools } from "./skeleton_tools.ts";

/**
 * Makes code to begin with for the refusals of a report that have a known way out. Each is compiled with the kernel's own
 * source and headers, and what does not compile is not written.
 * @throws RebootlessError `io`.
 */
export async function makeSkeletons(tools: SkeletonTools, report: UpdateReport): Promise<MadeSkeletons> {
  const made: MadeSkeletons[] = [];
  for (const make of [makeShadows, makeHooks, makeCopies]) made.push(await attempted(make, tools, report));
  return {
    skeletons: made.flatMap(({ skeletons }) => skeletons),
    notes: made.flatMap(({ notes }) => notes),
  };
}

/** Runs one maker. A skeleton that cannot be made must not hide the report. */
async function attempted(
  make: (tools: SkeletonTools, report: UpdateReport) => Promise<MadeSkeletons>,
  tools: SkeletonTools,
  report: UpdateReport,
): Promise<MadeSkeletons> {
  try {
    return await make(tools, report);
  } catch (error) {
    if (!(error instanceof RebootlessError) || error.code === "io") throw error;
    return { skeletons: [], notes: [`a skeleton could not be made: ${error.message}`] };
  }
}
