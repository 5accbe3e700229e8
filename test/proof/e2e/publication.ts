import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeManifest, type KernelManifest } from "../../../shared/feed/manifest.ts";
import { mustPublish } from "../../support/commands.ts";
import { type EdgeProcess, startEdge } from "../../support/edge_process.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { buildModule, type ModuleName } from "../../support/guest/modules/build.ts";

/** A publisher's folder and a real edge that trusts it. */
export interface Publication {
  /** The publisher's folder. */
  readonly dir: string;
  readonly edge: EdgeProcess;
  readonly rootFile: string;
  /** Makes and publishes an update of one of our modules. Returns the draft. */
  publish(
    kernel: Kernel,
    module: ModuleName,
    id: string,
    ...more: readonly string[]
  ): Promise<KernelManifest>;
  close(): Promise<void>;
}

export async function startPublication(): Promise<Publication> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-e2e-"));
  const dir = join(work, "feed");
  await mustPublish("init", dir, "--no-passphrase");
  const edge = await startEdge(join(dir, "edge.vars"));
  return {
    dir,
    edge,
    rootFile: join(dir, "root", "1.root.json"),
    async publish(kernel, name, id, ...more) {
      const module = await buildModule(kernel, name);
      const draft = join(work, `${id}.json`);
      const about = ["--id", id, "--summary", `replaces what ${name} replaces`, ...more];
      await mustPublish(
        "draft",
        "--image",
        kernel.vmlinuz,
        "--module",
        module,
        ...about,
        "-o",
        draft,
        "--force",
      );
      await mustPublish("push", dir, draft, "--module", module, "--feed", edge.url);
      return decodeManifest(await readFile(draft));
    },
    async close() {
      await edge.stop();
      await rm(work, { recursive: true, force: true });
    },
  };
}
