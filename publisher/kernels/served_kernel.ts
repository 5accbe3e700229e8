import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";

/** A package as an archive lists it. */
export interface PackageFile {
  /** The package's name: "linux-image-6.1.0-56-cloud-amd64". */
  readonly package: string;
  readonly version: string;
  /** The name of its file. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: Sha256Hex;
}

/** The packages of a kernel, as an archive offers them. */
export interface KernelPackages {
  /** What has the kernel itself. */
  readonly image: PackageFile;
  /** What has the modules, if that is not the package with the kernel. */
  readonly modules: readonly PackageFile[];
  readonly headers: PackageFile | undefined;
  /** The source of the very same version. */
  readonly source: PackageFile | undefined;
}

/** A kernel that an archive offers. */
export interface OfferedKernel extends KernelPackages {
  /** The release, as `uname -r` prints it. */
  readonly release: string;
}

/** A kernel that a publisher serves. */
export interface ServedKernel extends OfferedKernel {
  readonly buildId: BuildId;
  /** The name of the archive that it comes from; see `KernelArchive`. */
  readonly archive: string;
  /** By its usual name: "Debian 12". Undefined if the kernel does not say. */
  readonly distribution: string | undefined;
  /** The package URL of the package with the kernel (https://github.com/package-url/purl-spec). */
  readonly purl: string;
  /** What the kernel's compiler said of itself. Undefined without headers. */
  readonly compiler: string | undefined;
}

/** A place that kernels come from, and which of them a publisher serves. */
export interface KernelArchive {
  /** The publisher's name for it. */
  readonly name: string;
  readonly place: ArchivePlace;
  /** Patterns (glob(7)) of releases. With none, all are served. */
  readonly releases: readonly string[];
  /** Flavours, such as "cloud-amd64". With none, all are served. */
  readonly flavours: readonly string[];
  /** Patterns of releases that are not served. */
  readonly except: readonly string[];
}

export type ArchivePlace =
  /** The distribution's own archive. With no suites, those that this machine's apt has. */
  | { readonly kind: "apt"; readonly suites: readonly string[] }
  /** A folder with packages, such as a mirror or what `dnf reposync` makes. */
  | { readonly kind: "folder"; readonly path: string };

/** What the publisher's file says: where kernels come from, and which there are. */
export interface KernelList {
  readonly archives: readonly KernelArchive[];
  readonly kernels: readonly ServedKernel[];
}

/** Returns a kernel as an object whose members are those of a table in the publisher's file. */
export const servedKernelToJson = ({
  buildId,
  image,
  modules,
  headers,
  source,
  ...about
}: ServedKernel): JsonObject =>
  jsonObject({
    release: about.release,
    build_id: buildId,
    archive: about.archive,
    distribution: about.distribution,
    purl: about.purl,
    compiler: about.compiler,
    image: packageToJson(image),
    modules: modules.map(packageToJson),
    headers: headers && packageToJson(headers),
    source: source && packageToJson(source),
  });

const packageToJson = ({ package: name, version, file, bytes, sha256 }: PackageFile): JsonObject =>
  jsonObject({ package: name, version, file, bytes, sha256 });
