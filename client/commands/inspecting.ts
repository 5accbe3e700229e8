/**
 * The commands that look at a host and change nothing, and what is done once or needed by few. They are bundled into a file of their own, which scheduled runs
 * never load: what runs on every host every hour stays small (packaging/build.mjs).
 */

export { unpackModule } from "../../node/unpack.ts";
export { metricsText } from "../report/metrics_text.ts";
export { complete } from "./complete.ts";
export { completion } from "./completion.ts";
export { config } from "./config.ts";
export { doctor } from "./doctor.ts";
export { history } from "./history.ts";
export { hold, unhold } from "./hold.ts";
export { holds } from "./holds.ts";
export { init } from "./init.ts";
export { inventory } from "./inventory.ts";
export { metrics } from "./metrics.ts";
export { show } from "./show.ts";
export { status } from "./status.ts";
export { uname } from "./uname.ts";
export { withWhatThereIs } from "./uncovered.ts";
export { verify } from "./verify.ts";
export { verifyKernel } from "./verify_kernel.ts";
export { vex } from "./vex.ts";
