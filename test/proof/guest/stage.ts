import { type BootOptions, bootGuest } from "../../support/guest/guest.ts";
import { installedModules } from "../../support/guest/installed_modules.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { buildModule, type ModuleName } from "../../support/guest/modules/build.ts";
import { hostFiles } from "../../support/host.ts";
import { type Entry, type KernelFeed, kernelFeed } from "../../support/kernel_feed.ts";
import { type Publication, startPublication } from "../e2e/publication.ts";
import { Host } from "./host.ts";
import type { Random } from "./random.ts";

/** Modules that updates change; they are where the guest's modprobe looks. */
export const TARGETS = ["rebootless_target_a", "rebootless_target_b", "rebootless_target_hold"] as const;

/** What a scenario has to work with: one kernel, a publisher, and machines that run the kernel. */
export interface Stage {
  readonly kernel: Kernel;
  readonly feed: KernelFeed;
  readonly publication: Publication;
  readonly random: Random;
  /** An update of one of our modules, to be published. */
  update(id: string, module: ModuleName, more?: Omit<Entry, "id" | "module">): Promise<Entry>;
  /** Path of the same target as another build has it. */
  otherBuild(target: (typeof TARGETS)[number]): Promise<string>;
  /** A machine with the client on it. */
  boot(options?: Omit<BootOptions, "kernel" | "files">): Promise<Host>;
  progress(text: string): void;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly progress: (text: string) => void;
}

export async function openStage({ kernel, random, progress }: StageOptions): Promise<Stage> {
  const targets = new Map<string, string>();
  for (const name of TARGETS) targets.set(name, await buildModule(kernel, name));
  const publication: Publication = await startPublication();
  const feed = await kernelFeed(publication, kernel, targets);
  return {
    kernel,
    feed,
    publication,
    random,
    progress,
    update: async (id, module, more = {}) => ({ id, module: await buildModule(kernel, module), ...more }),
    otherBuild: (target) => buildModule(kernel, target, "other"),
    async boot(options = {}) {
      const files = await Promise.all([hostFiles(publication.rootFile), installedModules(kernel, targets)]);
      const guest = await bootGuest({ ...options, kernel, files: files.flat() });
      return new Host(guest, guest.feedUrl(publication.edge.port));
    },
    async close() {
      await feed.close();
      await publication.close();
    },
  };
}
