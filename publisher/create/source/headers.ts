import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { mustRunBuildTool } from "./build_tools.ts";

/** The configuration of a kernel, from the distribution's headers package. */
export interface KernelHeaders {
  /** The absolute path of the flavour's folder, with .config, Module.symvers and include/generated. */
  readonly flavour: string;
  /** The folder that all flavours share, if it was given as well. */
  readonly common: string | undefined;
  /** The kernel's release (`uname -r`). */
  readonly release: string;
  readonly config: string;
  readonly symvers: string;
  /** A digest of everything that is taken from the package. */
  readonly identity: string;
}

/** The files of the flavour that are copied to the build folder. `.kernelvariables` is Debian's. */
export const TAKEN_FILES = [".config", "Module.symvers", ".kernelvariables"] as const;

/** The headers that were found, of one kernel or of several. */
export interface FoundHeaders {
  readonly all: readonly KernelHeaders[];
  /** Returns the headers of a kernel release. @throws RebootlessError `usage` if there are none. */
  of(release: string): KernelHeaders;
}

/**
 * Opens a headers package.
 * @param paths the unpacked package (its root, usr/src, or the flavour's folder), or the .deb files of the
 * flavour and of the common part.
 * @throws RebootlessError `usage`, `io`.
 */
export async function openHeaders(paths: readonly string[], cache: string): Promise<FoundHeaders> {
  const folders: string[] = [];
  for (const path of paths) for (const folder of await candidates(path, cache)) folders.push(folder);
  const all: KernelHeaders[] = [];
  for (const flavour of await those(folders, ".config")) {
    const [common] = (await those(folders, "Makefile")).filter((folder) => isCommonOf(folder, flavour));
    all.push(await read(flavour, common));
  }
  return {
    all,
    of(release) {
      const found = all.find((headers) => headers.release === release);
      if (found !== undefined) return found;
      throw noHeaders(release, all, folders);
    },
  };
}

function noHeaders(
  release: string,
  all: readonly KernelHeaders[],
  folders: readonly string[],
): RebootlessError {
  const [shared] = folders.filter((folder) => COMMON.test(basename(folder)));
  if (all.length === 0 && shared !== undefined)
    return new RebootlessError(
      "usage",
      `${basename(shared)} is only the part that the headers of all flavours share`,
      {
        hint: `Also give linux-headers-${release}.`,
      },
    );
  const names = all.map(({ flavour }) => basename(flavour)).join(", ") || "no kernel";
  return new RebootlessError("usage", `the headers are of ${names}, but the image is ${release}`, {
    hint: "Give the linux-headers package of exactly this kernel, unpacked or as .deb. Its usr/src/linux-headers-RELEASE contains .config.",
  });
}

const COMMON = /^(.*)-common(?:-rt)?$/;

/**
 * Reports whether a folder is the common part of a flavour, as `linux-headers-6.1.0-55-common` is of
 * `linux-headers-6.1.0-55-cloud-amd64`.
 */
function isCommonOf(folder: string, flavour: string): boolean {
  const [, stem] = COMMON.exec(basename(folder)) ?? [];
  return stem !== undefined && basename(flavour).startsWith(`${stem}-`);
}

async function read(flavour: string, common: string | undefined): Promise<KernelHeaders> {
  const hash = createHash("sha256");
  for (const name of TAKEN_FILES) hash.update(await readFile(join(flavour, name)).catch(() => ""));
  const text = (name: string): Promise<string> =>
    readFile(join(flavour, name), "utf8").catch((cause: unknown) => {
      throw new RebootlessError(
        "usage",
        `${flavour} has no ${name}, so it is not a package of kernel headers`,
        {
          cause,
        },
      );
    });
  const generated = await text("include/generated/utsrelease.h");
  const release = /UTS_RELEASE "([^"\n]+)"/.exec(generated)?.[1];
  if (release === undefined)
    throw new RebootlessError("usage", `${flavour}: utsrelease.h does not name a release`);
  return {
    flavour,
    common,
    release,
    config: await text(".config"),
    symvers: await text("Module.symvers"),
    identity: hash.update(generated).digest("hex"),
  };
}

async function those(folders: readonly string[], file: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of new Set(folders)) if (await exists(join(folder, file))) found.push(folder);
  return found;
}

/** Returns the folders that may be a flavour's or the common one. */
async function candidates(path: string, cache: string): Promise<readonly string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  const root = found.isDirectory() ? resolve(path) : await unpackedDeb(path, cache);
  if (await exists(join(root, ".config"))) {
    const beside = join(root, "..");
    const shared = (await listed(beside)).filter((folder) => isCommonOf(folder, root));
    return [root, ...shared];
  }
  const inSource = await listed(join(root, "usr/src"));
  return inSource.length > 0 ? inSource : [root, ...(await listed(root))];
}

async function listed(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith("linux-headers-"))
    .map(({ name }) => join(folder, name));
}

async function unpackedDeb(path: string, cache: string): Promise<string> {
  const digest = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  const folder = join(cache, "headers", digest.slice(0, 32));
  if (await exists(folder)) return folder;
  await mkdir(join(cache, "headers"), { recursive: true });
  const temporary = await mkdtemp(`${folder}.tmp-`);
  try {
    await mustRunBuildTool("dpkg-deb", ["--extract", resolve(path), join(temporary, "root")]);
    await rename(join(temporary, "root"), folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error; // another run has put the same there first
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
