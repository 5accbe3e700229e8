import { RebootlessError } from "../../shared/errors.ts";
import { distributionOf } from "../../shared/feed/distribution.ts";
import { kernelPurl } from "../../shared/feed/vex.ts";
import { kernelCompiler } from "../create/source/compiler.ts";
import { openHeaders } from "../create/source/headers.ts";
import { openKernelImage } from "../image/kernel_image.ts";
import { openImageInput } from "../kernel_files/input.ts";
import type { OpenArchive } from "./open_archive.ts";
import { isServed } from "./releases.ts";
import type { KernelArchive, OfferedKernel, ServedKernel } from "./served_kernel.ts";

/** What became of a list of kernels. */
export interface SyncedArchive {
  readonly kernels: readonly ServedKernel[];
  readonly added: readonly ServedKernel[];
  /** The kernels that are served still, although their archive does not offer them any more. */
  readonly gone: readonly ServedKernel[];
  readonly failed: readonly FailedKernel[];
}

/** A kernel that is offered and could not be read. */
export interface FailedKernel {
  readonly release: string;
  readonly version: string;
  readonly error: RebootlessError;
}

export interface ReadingOptions {
  /** A folder for headers that are unpacked. */
  readonly work: string;
  readonly progress: (line: string) => void;
}

/**
 * Brings the kernels of one archive up to date. A kernel that is known is not read again, and one that the archive has
 * dropped stays, because hosts run it.
 * @param known the kernels of the list, of all archives.
 */
export async function syncArchive(
  archive: KernelArchive,
  open: OpenArchive,
  known: readonly ServedKernel[],
  options: ReadingOptions,
): Promise<SyncedArchive> {
  const offered = (await open.offered()).filter(({ release }) => isServed(archive, release));
  const kernels: ServedKernel[] = [];
  const added: ServedKernel[] = [];
  const failed: FailedKernel[] = [];
  for (const [at, kernel] of offered.entries()) {
    const same = known.find(({ image }) => image.sha256 === kernel.image.sha256);
    if (same !== undefined && same.archive !== archive.name) continue;
    if (same !== undefined) {
      kernels.push({ ...same, ...kernel });
      continue;
    }
    options.progress(`${kernel.release} ${kernel.image.version} (${at + 1} of ${offered.length})`);
    try {
      const entry = await entryOf(archive.name, kernel, open, options.work);
      kernels.push(entry);
      added.push(entry);
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      failed.push({ release: kernel.release, version: kernel.image.version, error });
    }
  }
  const isOffered = new Set(offered.map(({ image }) => image.sha256));
  const gone = known.filter(
    (one) =>
      one.archive === archive.name && !isOffered.has(one.image.sha256) && isServed(archive, one.release),
  );
  return { kernels: [...kernels, ...gone], added, gone, failed };
}

/** Reads what only a kernel itself says. @throws RebootlessError `usage` if it has another release than its package says. */
async function entryOf(
  archive: string,
  kernel: OfferedKernel,
  open: OpenArchive,
  work: string,
): Promise<ServedKernel> {
  const image = openKernelImage(await openImageInput(await open.path(kernel.image)));
  const { buildId, banner, release } = image;
  if (release !== kernel.release)
    throw new RebootlessError("usage", `${kernel.image.package} has a kernel with the release ${release}`);
  const distribution = distributionOf(banner);
  const purl = packagePurl(kernel, distribution) ?? kernelPurl({ release, architecture: "x86_64", buildId });
  const compiler = kernel.headers && (await compilerOf(await open.path(kernel.headers), work));
  return { ...kernel, buildId, archive, distribution, purl, compiler };
}

async function compilerOf(headers: string, work: string): Promise<string | undefined> {
  const [only] = (await openHeaders([headers], work)).all;
  return only && kernelCompiler(only.config)?.text;
}

/** Returns a package's URL (https://github.com/package-url/purl-spec, types deb and rpm) if it is known whose it is. */
function packagePurl({ image }: OfferedKernel, distribution: string | undefined): string | undefined {
  const vendor = distribution?.split(" ", 1)[0]?.toLowerCase();
  if (vendor === undefined) return undefined;
  const [type, architecture] = image.file.endsWith(".rpm") ? ["rpm", "x86_64"] : ["deb", "amd64"];
  return `pkg:${type}/${vendor}/${image.package}@${encodeURIComponent(image.version)}?arch=${architecture}`;
}
