import { RebootlessError } from "../shared/errors.ts";
import { type KernelChoice, needsList } from "./kernel_choice.ts";
import type { Candidates, Upstream } from "./upstream.ts";

/** Of a choice, in a message. */
const SHOWN = 5;

/** What a feed lists, or why it is not known. */
export interface FeedList {
  readonly list: Candidates;
  readonly unlisted?: RebootlessError;
}

const NO_LIST: Candidates = { kernels: [], next: undefined };

/** A list is a hint: one that cannot be had, or never ends, keeps nothing from what the mirror has. */
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
      hint: "What the mirror has was brought up to date. A server of plain files must give out kernels/index.json: docs/mirroring.md has blocks for nginx.",
    });
  }
  return new RebootlessError("no_list", `the list of kernels of ${feed.url} does not end: ${broken}`, {
    hint: "What the mirror has, and what was listed until then, was brought up to date. Tell whoever runs the feed.",
  });
}

/** Nobody said which kernels, now or before: all of them may be a lot. */
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
    hint: "`--all` takes all of them, `--release`, `--distribution`, `--kernel` or `--for` some. The choice holds until another is made.",
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
