import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { isCve } from "../../shared/feed/update.ts";

/** A search for kernels and updates. A kernel must match every member that is given. */
export interface Query {
  /** The beginning of a build ID. */
  readonly buildId?: string;
  /** The release, exactly as `uname -r` prints it. */
  readonly release?: string;
  /** The version, exactly as `uname -v` prints it. */
  readonly version?: string;
  /** A text that may be anywhere in the release, the distribution or `uname -v`. */
  readonly text?: string;
  /** The CVE that an update names; for updates alone. */
  readonly cve?: string;
  /** All words of the search, in lower case; for updates alone. */
  readonly words: readonly string[];
}

export const ALL: Query = { words: [] };

/** The longest query. A line of `uname -a` has about 150 characters. */
export const MAX_QUERY = 512;
/** The words of a query that are searched for; further ones are ignored. */
const MAX_WORDS = 8;
/** A build ID with its name before it, as `file vmlinuz` and `readelf -n` print it. */
const NAMED_BUILD_ID = /build ?-?id(?:\[[a-z0-9]+\])?\s?[:=]\s?([0-9a-f]{16,64})\b/;
const BUILD_ID_BEGIN = /^[0-9a-f]{8,64}$/;
/** The output of `uname` with any options: system, host, release, version (which begins with `#`), machine. */
const UNAME =
  /^(?:Linux )?(?:\S+ )?(\d+\.\d\S*)(?: (#.+?))?(?: (?:x86_64|aarch64|riscv64|s390x|ppc64le)(?: .*)?)?$/;
/** The text of /proc/version, which is also the first line of a kernel's log. */
const PROC_VERSION = /Linux version (\S+) \(.*\) (#.+)$/;

/**
 * Reads a text that a person pasted: a build ID (also as `file` and `readelf` print it), the output of
 * `uname`, `/proc/version`, a CVE, or any part of a name. Updates are searched for by its words.
 */
export function parseQuery(pasted: string): Query {
  const text = pasted.slice(0, MAX_QUERY).replace(/\s+/g, " ").trim();
  if (text === "") return ALL;
  return { ...kernelQuery(text), words: text.toLowerCase().split(" ").slice(0, MAX_WORDS) };
}

function kernelQuery(text: string): Omit<Query, "words"> {
  if (isCve(text.toUpperCase())) return { cve: text.toUpperCase(), text };
  if (BUILD_ID_BEGIN.test(text.toLowerCase())) return { buildId: text.toLowerCase() };
  const [, named] = NAMED_BUILD_ID.exec(text.toLowerCase()) ?? [];
  if (named !== undefined) return { buildId: named };
  const [, release, version] = UNAME.exec(text) ?? PROC_VERSION.exec(text) ?? [];
  if (release !== undefined && version !== undefined) return { release, version };
  return { text: release !== undefined && text.startsWith("Linux ") ? release : text };
}

/** Returns `uname -v` of a kernel, which is the end of its banner. */
export const versionOf = ({ banner }: KernelFacts): string => /(#.*)$/.exec(banner ?? "")?.[1] ?? "";

/** Returns the closed range, in the order of text, of the build IDs with this beginning. */
export const buildIdRange = (begin: string): readonly [string, string] => [begin, begin.padEnd(65, "g")];

export function matches(query: Query, kernel: KernelFacts): boolean {
  const { buildId: begin, release, version, text } = query;
  if (begin !== undefined && !kernel.buildId.startsWith(begin)) return false;
  if (release !== undefined && kernel.release !== release) return false;
  if (version !== undefined && versionOf(kernel) !== version) return false;
  if (text === undefined) return true;
  const wanted = text.toLowerCase();
  return [kernel.release, kernel.distribution ?? "", versionOf(kernel)].some((name) =>
    name.toLowerCase().includes(wanted),
  );
}
