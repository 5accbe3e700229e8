import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Updater } from "tuf-js";

/*
 * Polls one kernel's repository once with tuf-js, in the way of its documentation.
 * Arguments: the folder for metadata, the kernel's base URL, the target's path, and the first trusted root.
 */

const [folder = "", base = "", target = "", root = ""] = process.argv.slice(2);
const targetDir = join(folder, "targets");
mkdirSync(targetDir, { recursive: true });
if (!existsSync(join(folder, "root.json"))) copyFileSync(root, join(folder, "root.json"));

const updater = new Updater({
  metadataDir: folder,
  metadataBaseUrl: `${base}/metadata`,
  targetDir,
  targetBaseUrl: `${base}/targets`,
});
await updater.refresh();
const info = await updater.getTargetInfo(target);
if (!info) throw new Error("no such target");
const cached = await updater.findCachedTarget(info);
if (cached === undefined) await updater.downloadTarget(info);
