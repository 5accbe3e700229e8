/** The largest vmlinux with debug information has under 1 GB; a vmlinuz has 15 MB. */
export const MAX_IMAGE_BYTES = 1024 * 1024 * 1024;

export { readBounded as readInput } from "../feed/read_bounded.ts";
