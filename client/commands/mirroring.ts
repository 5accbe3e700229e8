/** The commands that keep a copy of a feed: a bundle of their own, which hosts that only use one never load. */

export { inventory } from "./inventory.ts";
export { mirrorExport, mirrorImport, mirrorState } from "./mirror_carry.ts";
export { mirrorResign } from "./mirror_resign.ts";
export { mirrorServe } from "./mirror_serve.ts";
export { mirrorSync } from "./mirror_sync.ts";
export { mirrorVerify } from "./mirror_verify.ts";
