import type { Feed } from "../../node/transport/feed.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { jsonObject } from "../../shared/json.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import { kernelsOfSeries, type OfSeries } from "../trust/kernels_of_series.ts";

/** The number of kernels that are listed, the newest of them. */
const SHOWN = 3;

/**
 * Adds to a `not_covered` error what the feed has instead, for a person to read. This takes one request. The answer is not
 * verified, and is only printed.
 */
export async function withWhatThereIs(
  error: RebootlessError,
  feeds: readonly Feed[],
  kernel: KernelIdentity,
): Promise<RebootlessError> {
  const feed = feeds.find(({ url }) => url === error.details["feed"]);
  const found = feed && (await kernelsOfSeries(feed, kernel.release, error.details["searchable"] === true));
  if (!found) return error;
  return new RebootlessError("not_covered", error.message, {
    hint: [whatThereIs(found, kernel), look(found), error.hint].filter(Boolean).join(" "),
    details: { ...error.details, ...(found.page !== undefined && { page: found.page }) },
    answer: {
      others: found.kernels.map(({ buildId, release }) => jsonObject({ build_id: buildId, release })),
    },
  });
}

function whatThereIs({ series, kernels }: OfSeries, { release }: KernelIdentity): string {
  const name = series.replace(/[.-]$/, "");
  const builds = kernels.filter((kernel) => kernel.release === release).map(({ buildId }) => buildId);
  if (builds.length > 0) return `The feed has a different build of ${release}: ${listed(builds)}.`;
  const releases = [...new Set(kernels.map((kernel) => kernel.release))].sort(inOrder);
  const alike = releases.filter((other) => flavourOf(other) === flavourOf(release));
  const some = alike.length > 0 ? alike : releases;
  if (some.length === 0) return `The feed has no kernel of the series ${name}.`;
  return `Of the series ${name}, the feed has ${listed(some.slice(-SHOWN))}.`;
}

const look = ({ page }: OfSeries): string => (page === undefined ? "" : `See ${page} for all kernels.`);

/** Compares releases by the numbers in them: 6.1.0-9 comes before 6.1.0-10. */
const inOrder = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });

/** Returns the part of a release after the numbers, such as `cloud-amd64` or `generic`. */
const flavourOf = (release: string): string => release.replace(/^[\d.+-]*/, "");

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN);
  if (shown.length < names.length) return `${shown.join(", ")} and ${names.length - shown.length} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : shown.join("");
}
