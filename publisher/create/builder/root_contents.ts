import { join } from "node:path";
import type { PackagedCompiler } from "../source/compiler.ts";
import type { SharedFolders } from "./build_place.ts";

/*
 * What is in a build root, how it is made and how programs run in it: command lines alone.
 */

/** The programs and headers that the kernel's makefiles use, besides its compiler, by Debian's names. */
const TOOLS = [
  "bash",
  "bc",
  "bison",
  "coreutils",
  "dash",
  "diffutils",
  "findutils",
  "flex",
  "gcc", // for the programs that run during the build
  "grep",
  "gzip",
  "libc6-dev",
  "libelf-dev",
  "libssl-dev",
  "libxxhash-dev",
  "make",
  "mawk",
  "openssl",
  "perl",
  "python3",
  "sed",
  "tar",
  "xz-utils",
];

/** Returns what apt is asked for: the compiler in exactly the version of the suite, and the tools. */
export const rootPackages = ({
  name,
  version,
}: Pick<PackagedCompiler, "name" | "version">): readonly string[] => [`${name}=${version}`, ...TOOLS];

/** What mmdebstrap is told besides the packages. */
export interface RootMaking {
  readonly codename: string;
  /** The new folder. */
  readonly folder: string;
  /** A file in apt's format deb822. */
  readonly sources: string;
  /** Settings of apt, as lines of its configuration. */
  readonly settings: readonly string[];
}

/**
 * Returns the settings of this machine's apt that say how archives are reached: proxies, and whether lists may be expired
 * (as those of a mirror that stands still are). mmdebstrap takes none over by itself.
 * @param dump what `apt-config dump --format '%f "%v";%n' Acquire` prints.
 */
export const archiveSettings = (dump: string): readonly string[] =>
  dump.split("\n").filter((line) => TAKEN_OVER.test(line));

const TAKEN_OVER = /^Acquire::(?:Check-Valid-Until|https?::Proxy(?:::[\w.-]+)?) "[^"\s]+";$/;

/**
 * Returns the arguments with which mmdebstrap(1) makes a root. It extracts the packages and runs nothing of them, so it
 * needs no rights, mounts nothing and leaves nothing behind when it is killed.
 */
export const debstrapArguments = (
  packages: readonly string[],
  { codename, folder, sources, settings }: RootMaking,
): readonly string[] => [
  "--variant=extract",
  "--mode=chrootless",
  "--format=directory",
  `--include=${packages.join(",")}`,
  ...settings.map((line) => `--aptopt=${line}`),
  codename,
  folder,
  sources,
];

/** The parts of what was extracted that are kept. */
export const KEPT_PARTS = ["etc", "usr"];
/** What is not: documents and translations, which are a quarter of it. */
export const LEFT_OUT_PARTS = ["usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man"];
/** The links that a package makes when it is installed, and that the makefiles need. */
export const MISSING_LINKS = [["mawk", "usr/bin/awk"]] as const;

/** The folders of /usr that programs find in a root. Sources and caches may lie in the others. */
const PARTS_OF_USR = ["bin", "include", "lib", "lib32", "lib64", "libexec", "libx32", "sbin", "share"];
/** Since Debian 12, these are links. */
const LINKS_TO_USR = ["bin", "lib", "lib64", "sbin"];

/**
 * Returns the command (bubblewrap's) that runs a program in a root: with no network, no capabilities, no other processes
 * in sight, and no variables of this process. It can write to the folder of the prepared tree and to a /tmp of its own
 * alone. It ends with this process.
 * @param folders that it shares, if it needs any.
 */
export const commandInRoot = (root: string, folders: SharedFolders | undefined): readonly string[] => [
  "bwrap",
  "--unshare-all",
  "--die-with-parent",
  "--new-session",
  ...["--cap-drop", "ALL"],
  "--clearenv",
  ...["--setenv", "PATH", "/usr/sbin:/usr/bin"],
  ...["--setenv", "HOME", "/"],
  ...PARTS_OF_USR.flatMap((name) => ["--ro-bind-try", join(root, "usr", name), `/usr/${name}`]),
  ...LINKS_TO_USR.flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
  ...["--ro-bind", join(root, "etc"), "/etc"],
  ...["--dev", "/dev"],
  ...["--proc", "/proc"],
  ...["--tmpfs", "/tmp"],
  ...(folders === undefined ? [] : sharing(folders)),
  "--",
];

const sharing = ({ source, work }: SharedFolders): readonly string[] => [
  ...["--ro-bind", source, source],
  ...["--bind", work, work],
];
