import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Config, readConfig } from "../../node/config/config.ts";
import { openFeeds } from "../../node/transport/feeds.ts";
import { hostVerifiers } from "../../node/verifier.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { rootPath } from "../../shared/feed/paths.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import type { Context } from "../context.ts";
import { runningKernel } from "../host/identity.ts";
import type { Host } from "../this_host.ts";
import type { Polled } from "../trust/poll.ts";
import { trustDir } from "../trust/trust_dir.ts";
import { pollFeed } from "./polling.ts";

/** The feed and the root of trust that a host is being set up with. */
export interface SetUp {
  readonly feed: string;
  readonly root: Uint8Array;
  readonly rootVersion: number;
}

/** What the feed has for the running kernel. If it has nothing, the set-up is still right. */
export type FirstAnswer =
  | { readonly kind: "covered"; readonly polled: Polled }
  | { readonly kind: "uncovered"; readonly why: RebootlessError };

/**
 * Polls a feed as `check` would, before the host is set up with it. Nothing of the answer is stored, because a host that
 * still trusts another root must not forget what it has verified under that.
 *
 * @throws RebootlessError as `check`; and `unreachable` or `trust` if the answer does not come from a feed, or from a
 *   different one.
 */
export async function firstQuestion(context: Context, setUp: SetUp): Promise<FirstAnswer> {
  const { places } = context;
  const config = await readConfig({ ...places, set: [...(places.set ?? []), `feed=${setUp.feed}`] });
  const kernel = runningKernel();
  await mkdir(places.runDir, { recursive: true, mode: 0o755 });
  const nowhere = await mkdtemp(join(places.runDir, "init-"));
  try {
    const { root: provisionedRoot } = setUp;
    const directory = trustDir(nowhere, kernel.buildId, provisionedRoot);
    const verifiers = hostVerifiers();
    const { buildId } = kernel;
    const host: Host = { kernel, config, provisionedRoot, buildId, directory, verifiers };
    const { polled } = await pollFeed(context, host, {});
    return { kind: "covered", polled };
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
    if (!isCode(error, "not_covered")) throw notSetUp(error);
    await requireFeed(config, setUp, error);
    return { kind: "uncovered", why: error };
  } finally {
    await rm(nowhere, { recursive: true, force: true });
  }
}

/**
 * Requires that an address without this kernel is a feed. Any web server answers that it does not have a file; a feed has
 * the root of trust, or at least a list of kernels.
 */
async function requireFeed(config: Config, setUp: SetUp, why: RebootlessError): Promise<void> {
  const [feed] = openFeeds(config);
  const fetched = await feed?.get(rootPath(setUp.rootVersion), { maxBytes: MAX_ROOT_BYTES });
  if (fetched?.status === "ok") {
    if (equalBytes(fetched.bytes, setUp.root)) return;
    throw notSetUp(
      new RebootlessError("trust", `${setUp.feed} has a different root of trust than the one that was given`),
    );
  }
  const isFolder = setUp.feed.startsWith("file:");
  if (isFolder || why.details["searchable"] === true || why.answer["others"] !== undefined) return;
  throw notSetUp(
    new RebootlessError("unreachable", `${setUp.feed} answers, but it does not appear to be a feed`),
  );
}

function notSetUp(error: RebootlessError): RebootlessError {
  const { code, message, details, cause } = error;
  return new RebootlessError(code, message, {
    cause,
    details,
    hint: [whatToDo(error), "Nothing was set up. --offline sets the host up without contacting the feed."]
      .filter(Boolean)
      .join(" "),
  });
}

function whatToDo({ code, hint, details }: RebootlessError): string | undefined {
  if (code === "trust")
    return "The address and the root of trust do not belong together. Compare both with the publisher's.";
  return code === "unreachable" && details["proxy"] === undefined
    ? "Check the address and the network."
    : hint;
}
