import type { Attack } from "./attack.ts";
import { borrowedAddress } from "./borrowed_address.ts";
import { forgottenRotation } from "./forgotten_rotation.ts";
import { linksInAMirror } from "./links_in_a_mirror.ts";
import { narrowUmask } from "./narrow_umask.ts";
import { pipesInAMirror } from "./pipes_in_a_mirror.ts";

/** Every attack, in the order in which they are played. */
export const attacks: readonly Attack[] = [
  forgottenRotation,
  narrowUmask,
  borrowedAddress,
  linksInAMirror,
  pipesInAMirror,
];
