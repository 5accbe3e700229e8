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

/** What is said of an update; other kernels may have another one under the same id. */
export interface Said {
  readonly id: UpdateId;
  readonly summary: string;
  readonly cves: readonly string[];
  readonly recalled: string | null;
}

/** An update as one kernel has it. */
export interface UpdateEntry extends Said {
  readonly published: Instant;
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

export const lineOf = ({ kernel, updates, recorded }: Entry): KernelLine => ({
  kernel,
  updates: updates.filter(isLive).length,
  recorded,
});

export interface KernelPage {
  readonly kernels: readonly KernelLine[];
  /** Where the next page begins, or null at the end. */
  readonly next: BuildId | null;
}

/** A kernel and the update in question as this kernel has it. */
export interface Holding {
  readonly line: KernelLine;
  readonly update: UpdateEntry;
}

export interface HoldingPage {
  /** By update. Kernels of which the very same is said stand together, those that it is not recalled for first. */
  readonly holdings: readonly Holding[];
  /** Where the next page begins, or null at the end. */
  readonly next: string | null;
}

/** An update that was searched for, as the kernel has it of which this was said first. */
export interface FoundUpdate {
  readonly update: UpdateEntry;
  readonly kernel: KernelFacts;
  /** Whether further kernels have an update of this id, whatever is said of it there. */
  readonly others: boolean;
}

/** A CVE, and the updates that name it. */
export interface CveLine {
  readonly cve: string;
  /** Some; recalled where every kernel's is. */
  readonly updates: readonly { readonly id: UpdateId; readonly recalled: boolean }[];
  readonly more: boolean;
}

export interface CvePage {
  /** The newest number first. */
  readonly cves: readonly CveLine[];
  /** Where the next page begins, or null at the end. */
  readonly next: string | null;
}

/** As mirrors are told of it. */
export const listedOf = ({ kernel, version }: Pick<Entry, "kernel" | "version">): Listed => ({
  buildId: kernel.buildId,
  release: kernel.release,
  distribution: kernel.distribution ?? null,
  version,
});

export const isLive = ({ recalled }: Pick<Said, "recalled">): boolean => recalled === null;
/** Where a search looks for words. */
export const namesOf = ({ id, summary, cves }: Said): string =>
  [id, summary, ...cves].join("\n").toLowerCase();
