/** The commands that keep a copy of a feed: a bundle of their own, which hosts that only use one never load. */

export { inventory } from "../../client/commands/inventory.ts";
export { mirrorExport, mirrorImport, mirrorState } from "./carry.ts";
export { mirrorResign } from "./resign.ts";
export { mirrorServe } from "./serve.ts";
export { mirrorSync } from "./sync.ts";
export { mirrorVerify } from "./verify.ts";
