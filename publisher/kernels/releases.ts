import { matchesPattern } from "../../shared/tuf/path_pattern.ts";
import type { KernelArchive, ServedKernel } from "./served_kernel.ts";

/** Returns the flavour of a release: "cloud-amd64" for "6.1.0-56-cloud-amd64" and "generic" for "6.8.0-45-generic". */
export const flavourOf = (release: string): string | undefined =>
  /^\d[^-]*(?:-rc\d+)?(?:-\d+)?-([a-z].*)$/.exec(release)?.[1];

/** Reports whether an archive's kernels of a release are served. */
export function isServed(
  { releases, flavours, except }: Pick<KernelArchive, "releases" | "flavours" | "except">,
  release: string,
): boolean {
  const fits = (pattern: string): boolean => matchesPattern(pattern, release);
  if (except.some(fits)) return false;
  const flavour = flavourOf(release);
  if (flavours.length > 0 && (flavour === undefined || !flavours.includes(flavour))) return false;
  return releases.length === 0 || releases.some(fits);
}

/** Reports whether a kernel is meant by a pattern of releases, or by the beginning of its build ID. */
export const isMeant = ({ release, buildId }: ServedKernel, pattern: string): boolean =>
  matchesPattern(pattern, release) || (/^[0-9a-f]{8,}$/.test(pattern) && buildId.startsWith(pattern));

/** Orders releases as people do: 6.1.0-9 before 6.1.0-10. */
export const byRelease = (a: { readonly release: string }, b: { readonly release: string }): number =>
  a.release.localeCompare(b.release, "en", { numeric: true });
