import type { Attack } from "./attack.ts";
import { borrowedAddress } from "./borrowed_address.ts";
import { forgottenRotation } from "./forgotten_rotation.ts";
import { narrowUmask } from "./narrow_umask.ts";

/** Every attack, in the order in which they are played. */
export const attacks: readonly Attack[] = [forgottenRotation, narrowUmask, borrowedAddress];
