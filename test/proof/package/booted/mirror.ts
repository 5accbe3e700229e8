import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { artifactPath, feedPath } from "../../../../shared/feed/paths.ts";
import { findKernel } from "../../../support/guest/machine.ts";
import { startPublication } from "../../e2e/publication.ts";

/** Makes the folder named on the command line a feed with one update of the primary kernel, and puts its root there. */
const folder = process.argv[2];
if (folder === undefined) throw new Error("no folder");
const feed = await startPublication();
try {
  const { kernel, updates } = await feed.publish(findKernel("primary"), "rebootless_demo_cmdline", "demo-1");
  for (const path of [
    feedPath(kernel.buildId),
    ...updates.map(({ module }) => artifactPath(module.sha256)),
  ]) {
    const response = await fetch(new URL(path, feed.edge.url));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), new Uint8Array(await response.arrayBuffer()));
  }
  await copyFile(feed.rootFile, join(folder, "root.json"));
} finally {
  await feed.close();
}
