import { type BuildId, isBuildId } from "../../shared/brand.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { isCve } from "../../shared/feed/update.ts";

/** What somebody looks for among the kernels. All that is given must hold. */
export interface Query {
  /** The beginning of a build ID. */
  readonly buildId?: string;
  /** `uname -r`, exactly. */
  readonly release?: string;
  /** `uname -v`, exactly. */
  readonly version?: string;
  /** Anywhere in the release, the distribution or `uname -v`. */
  readonly text?: string;
  /** A CVE's number; for updates alone. */
  readonly cve?: string;
  /** For updates alone: all of it, in lower case. */
  readonly words: readonly string[];
}

export const ALL: Query = { words: [] };

/** A line of `uname -a` has some 150 characters. */
export const MAX_QUERY = 512;
/** Of which each is looked for by itself. */
const MAX_WORDS = 8;
/** `file vmlinuz`, `readelf -n`: a build ID with a word for it. */
const NAMED_BUILD_ID = /build ?-?id(?:\[[a-z0-9]+\])?\s?[:=]\s?([0-9a-f]{16,64})\b/;
const BUILD_ID_BEGIN = /^[0-9a-f]{8,64}$/;
/** `uname` with any of its options: name of the system, of the host, release, version from its `#`, machine. */
const UNAME =
  /^(?:Linux )?(?:\S+ )?(\d+\.\d\S*)(?: (#.+?))?(?: (?:x86_64|aarch64|riscv64|s390x|ppc64le)(?: .*)?)?$/;
/** /proc/version, and the first line of a kernel's log. */
const PROC_VERSION = /Linux version (\S+) \(.*\) (#.+)$/;

/**
 * Reads what a person pasted: a build ID (also as `file` and `readelf` say it), `uname`, `/proc/version`, a CVE, or any part of a
 * name; and the words of it, by which updates are found.
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

/** `uname -v` of a kernel: the end of its banner. */
export const versionOf = ({ banner }: KernelFacts): string => /(#.*)$/.exec(banner ?? "")?.[1] ?? "";

/** Build IDs that begin so, as a closed range: digits sort as text. */
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

/** A cursor of ours, or null for what is not one. */
export const cursorOf = (text: string | undefined): BuildId | null =>
  text !== undefined && isBuildId(text) ? text : null;
