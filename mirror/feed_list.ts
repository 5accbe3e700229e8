import { RebootlessError } from "../shared/errors.ts";
import { type KernelChoice, needsList } from "./kernel_choice.ts";
import type { Candidates, Upstream } from "./upstream.ts";

/** The number of items of a choice that a message shows. */
const SHOWN = 5;

/** The kernels that a feed lists; `unlisted` says why the list is missing or incomplete. */
export interface FeedList {
  readonly list: Candidates;
  readonly unlisted?: RebootlessError;
}

const NO_LIST: Candidates = { kernels: [], next: undefined };

/**
 * Asks for the feed's list of kernels. It is only a hint: kernels that the mirror has are renewed without it
 * too.
 */
export async function listKernels(
  upstream: Upstream,
  choice: KernelChoice,
  since: string | undefined,
): Promise<FeedList> {
  if (!needsList(choice)) return { list: NO_LIST };
  try {
    const list = await upstream.list(since);
    if (list && list.broken === undefined) return { list };
    return { list: list ?? NO_LIST, unlisted: noList(upstream, list?.broken) };
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
    return { list: NO_LIST, unlisted: error };
  }
}

function noList({ feed }: Upstream, broken: string | undefined): RebootlessError {
  if (broken === undefined) {
    return new RebootlessError("no_list", `${feed.url} has no list of its kernels`, {
      hint: "The kernels that the mirror has were brought up to date. A server of plain files must serve kernels/index.json: docs/mirroring.md has blocks for nginx.",
    });
  }
  return new RebootlessError("no_list", `the list of kernels of ${feed.url} does not end: ${broken}`, {
    hint: "The kernels that the mirror has, and those listed until then, were brought up to date. Tell whoever runs the feed.",
  });
}

/** Returns the error for a mirror for which no kernels were ever chosen: all of them may be a lot. */
export async function noChoice(
  upstream: Upstream,
  { kernels }: Candidates,
  unlisted: RebootlessError | undefined,
): Promise<RebootlessError> {
  if (unlisted) return unlisted;
  const bytes = await upstream.weight(kernels);
  const weight = bytes === undefined ? "" : `, about ${Math.ceil(bytes / 1_000_000)} MB`;
  const message = `which kernels? ${upstream.feed.url} has ${kernels.length}${weight}`;
  return new RebootlessError("usage", message, {
    hint: "Use `--all` for all of them, or `--release`, `--distribution`, `--kernel` or `--for` for some. The choice holds until you make another.",
    details: { kernels: kernels.length, ...(bytes !== undefined && { bytes }) },
  });
}

export function noMatch(
  { feed }: Upstream,
  { kernels, releases, distributions }: KernelChoice,
): RebootlessError {
  const chosen = [...releases, ...distributions, ...kernels];
  const what =
    chosen.length === 0 ? "no kernel at all" : `no kernel for ${chosen.slice(0, SHOWN).join(", ")}`;
  return new RebootlessError("no_match", `${feed.url} has ${what}${chosen.length > SHOWN ? ", …" : ""}`, {
    hint: "Patterns are matched against all of `uname -r`, such as '6.12.*'; `rebootless status` prints a host's build ID.",
  });
}
