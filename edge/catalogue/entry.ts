import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { Listed } from "../../shared/feed/listing.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { Instant } from "../../shared/time.ts";

/** A kernel's entry in the catalogue. */
export interface KernelEntry {
  readonly kernel: KernelFacts;
  /** The version of targets, which never goes back. */
  readonly version: number;
  readonly recorded: Instant;
  readonly updates: readonly UpdateEntry[];
}

/** A publisher's description of an update. Other kernels may have another one under the same id. */
export interface UpdateDescription {
  readonly id: UpdateId;
  readonly summary: string;
  readonly cves: readonly string[];
  readonly recalled: string | null;
}

/** An update as one kernel has it. */
export interface UpdateEntry extends UpdateDescription {
  readonly published: Instant;
}

export const entryOf = (
  { kernel, updates }: KernelManifest,
  version: number,
  recorded: Instant,
): KernelEntry => ({
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

/** A line in a list of kernels. */
export interface KernelLine {
  readonly kernel: KernelFacts;
  /** The number of updates that are not recalled. */
  readonly updates: number;
  readonly recorded: Instant;
}

export const kernelLineOf = ({ kernel, updates, recorded }: KernelEntry): KernelLine => ({
  kernel,
  updates: updates.filter(isLive).length,
  recorded,
});

export interface KernelListPage {
  readonly kernels: readonly KernelLine[];
  /** The cursor of the next page; null at the end. */
  readonly next: BuildId | null;
}

/** A kernel and the update in question as this kernel has it. */
export interface Holding {
  readonly line: KernelLine;
  readonly update: UpdateEntry;
}

export interface HoldingListPage {
  /**
   * The holdings, ordered by update. Kernels with the same description are together; those for which it is
   * recalled come last.
   */
  readonly holdings: readonly Holding[];
  /** The cursor of the next page; null at the end. */
  readonly next: string | null;
}

/** An update that a search found, as the first kernel with this description has it. */
export interface FoundUpdate {
  readonly update: UpdateEntry;
  readonly kernel: KernelFacts;
  /** True if further kernels have an update of this id, with whatever description. */
  readonly others: boolean;
}

/** A CVE, and the updates that name it. */
export interface CveLine {
  readonly cve: string;
  /** At most MAX_NAMED of the updates. An update counts as recalled if it is recalled for every kernel. */
  readonly updates: readonly { readonly id: UpdateId; readonly recalled: boolean }[];
  readonly more: boolean;
}

export interface CveListPage {
  /** The CVEs, ordered by number, newest first. */
  readonly cves: readonly CveLine[];
  /** The cursor of the next page; null at the end. */
  readonly next: string | null;
}

/** Returns a kernel as mirrors are told of it. */
export const listedOf = ({ kernel, version }: Pick<KernelEntry, "kernel" | "version">): Listed => ({
  buildId: kernel.buildId,
  release: kernel.release,
  distribution: kernel.distribution ?? null,
  version,
});

export const isLive = ({ recalled }: Pick<UpdateDescription, "recalled">): boolean => recalled === null;
/** Returns the text in which a search looks for words. */
export const namesOf = ({ id, summary, cves }: UpdateDescription): string =>
  [id, summary, ...cves].join("\n").toLowerCase();
