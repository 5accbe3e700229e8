import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import { openFingerprints } from "../../../shared/runpre/file/decode.ts";
import { writtenModule } from "../../publisher/create/module/written_module.ts";
import { mustMirror, mustPublish } from "../../support/commands.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { hostFiles } from "../../support/host.ts";
import { type Publication, startPublication } from "../e2e/publication.ts";
import { Host } from "../guest/host.ts";
import { withGuest } from "../runpre/with_guest.ts";
import { FINGERPRINTS_FILE, FOREIGN, FOREIGN_FILE, MODULE, type Scene, UPDATE } from "./commands.ts";

const MIRROR_IN_GUEST = "/media/mirror";

/**
 * Publishes an update for a kernel, with fingerprints of all of it, boots the kernel, and plays on it. The kernel's headers
 * are not needed, because Debian has none for some series. A guest that has no modules has no network either: its feed is
 * a mirror in a folder.
 */
export async function onStage<T>(kernel: Kernel, play: (scene: Scene) => Promise<T>): Promise<T> {
  const publication = await startPublication();
  const folder = await mkdtemp(join(tmpdir(), "rebootless-series-"));
  try {
    const file = (name: string): string => join(folder, name);
    await writeFile(file(`${MODULE}.ko`), writtenModule(kernel, MODULE));
    const draft = ["--image", kernel.vmlinuz, "--module", file(`${MODULE}.ko`), "-o", file("draft.json")];
    await mustPublish("draft", ...draft, "--id", UPDATE, "--summary", "another line in /proc/version");
    const feed = ["--module", file(`${MODULE}.ko`), "--feed", publication.edge.url];
    await mustPublish("push", publication.dir, file("draft.json"), ...feed);
    await mustPublish("fingerprint", kernel.vmlinuz, "-o", file("kernel.fp"));
    const fingerprints = await readFile(file("kernel.fp"));
    const files = [
      ...(await hostFiles(publication.rootFile)),
      { path: FINGERPRINTS_FILE, content: fingerprints, mode: 0o644 },
      { path: FOREIGN_FILE, content: writtenModule(kernel, FOREIGN, true), mode: 0o644 },
      ...(kernel.hasModules ? [] : await mirrorFiles(publication, file("mirror"))),
    ];
    return await withGuest({ kernel, files }, async (guest) => {
      const feed = kernel.hasModules ? guest.feedUrl(publication.edge.port) : MIRROR_IN_GUEST;
      const host = new Host(guest, feed);
      const functions = openFingerprints(fingerprints).count;
      return await play({ kernel, host, functions, version: await host.read("/proc/version") });
    });
  } finally {
    await publication.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a mirror of what is published, and returns its files for the guest. */
async function mirrorFiles({ edge, rootFile }: Publication, mirror: string): Promise<readonly GuestFile[]> {
  await mustMirror("sync", edge.url, mirror, "--root", rootFile, "--all");
  const entries = await readdir(mirror, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({ path: join(MIRROR_IN_GUEST, relative(mirror, from)), content: { from } }));
}
