import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { Listed } from "../../shared/feed/listing.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { Instant } from "../../shared/time.ts";

/** What can be found out about a kernel without opening its feed. */
export interface Entry {
  readonly kernel: KernelFacts;
  /** Version of targets: what is recorded never goes back. */
  readonly version: number;
  readonly recorded: Instant;
  readonly updates: readonly UpdateEntry[];
}

export interface UpdateEntry {
  readonly id: UpdateId;
  readonly summary: string;
  readonly cves: readonly string[];
  readonly published: Instant;
  readonly recalled: string | null;
}

export const entryOf = ({ kernel, updates }: KernelManifest, version: number, recorded: Instant): Entry => ({
  kernel,
  version,
  recorded,
  updates: updates.map(({ id, summary, cves, published, recalled }) => ({
    id,
    summary,
    cves,
    published,
    recalled,
  })),
});

/** One line of a list of kernels. */
export interface KernelLine {
  readonly kernel: KernelFacts;
  /** Updates that are not recalled. */
  readonly updates: number;
  readonly recorded: Instant;
}

export interface KernelPage {
  readonly kernels: readonly KernelLine[];
  /** Where the next page begins, or null at the end. */
  readonly next: BuildId | null;
}

/** As mirrors are told of it. */
export const listedOf = ({ kernel, version }: Pick<Entry, "kernel" | "version">): Listed => ({
  buildId: kernel.buildId,
  release: kernel.release,
  distribution: kernel.distribution ?? null,
  version,
});
