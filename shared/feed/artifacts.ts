import type { KernelManifest } from "./manifest.ts";
import type { Artifact, Update } from "./update.ts";

/** Returns every file that an update needs besides its metadata, in the order in which it is loaded. */
export const artifactsOf = (update: Update): readonly Artifact[] => [update.module, ...update.parts];

/** Returns every file that a manifest names. */
export const artifactsIn = ({ updates, fingerprints }: KernelManifest): readonly Artifact[] => [
  ...updates.flatMap(artifactsOf),
  ...(fingerprints ? [fingerprints] : []),
];
