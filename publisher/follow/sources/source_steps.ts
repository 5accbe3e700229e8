import { groupBy } from "../../../shared/group_by.ts";
import type { PackageFile, ServedKernel } from "../../kernels/served_kernel.ts";
import type { FoundFix } from "../found_fixes.ts";

/**
 * Finds the steps that the archives offer: from the source of each kernel to the newest source of the same series of the same
 * distribution. Each is one cumulative update. When a newer source comes, the step to it takes the place of the one before.
 */
export function sourceSteps(kernels: readonly ServedKernel[]): readonly FoundFix[] {
  const series = groupBy(
    kernels,
    ({ distribution, source }) => source && `${distribution} ${source.package}`,
  );
  return [...series.values()].flatMap((own) => {
    const sources = [
      ...new Map(own.flatMap(({ source }) => (source ? [[source.sha256, source]] : []))).values(),
    ];
    const newest = sources.reduce((a, b) => (compareVersions(a, b) < 0 ? b : a));
    return sources.filter((one) => compareVersions(one, newest) < 0).map((one) => stepBetween(one, newest));
  });
}

/** Orders versions of one series as people do: 6.1.99-1 before 6.1.100-1. */
const compareVersions = (a: PackageFile, b: PackageFile): number =>
  a.version.localeCompare(b.version, "en", { numeric: true });

const stepBetween = (from: PackageFile, to: PackageFile): FoundFix => ({
  origin: `step:${from.package}:${from.sha256}`,
  name: `from-${from.version}-to-${to.version}`,
  kind: "step",
  subject: `the fixes from ${from.version} to ${to.version} that can be live`,
  cves: [],
  files: [],
  step: { from: from.sha256, to: to.sha256 },
});
