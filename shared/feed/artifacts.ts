import type { Artifact, Update } from "./update.ts";

/** Every file that an update needs besides its metadata, in the order in which it is loaded. */
export const artifactsOf = (update: Update): readonly Artifact[] => [update.module, ...update.parts];
