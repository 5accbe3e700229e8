import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Config, readConfig } from "../../node/config/config.ts";
import { openFeeds } from "../../node/transport/feeds.ts";
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

/** What a host is about to be set up with. */
export interface SetUp {
  readonly feed: string;
  readonly root: Uint8Array;
  readonly rootVersion: number;
}

/** What the feed has for the running kernel, or that it has nothing, which is no fault of the set-up. */
export type FirstAnswer =
  | { readonly kind: "covered"; readonly polled: Polled }
  | { readonly kind: "uncovered"; readonly why: RebootlessError };

/**
 * Asks a feed as `check` would, before anything is set up by it. What is verified is kept nowhere: a host that trusts
 * another root until now must not forget what it verified under that. Throws as `check`, and `unreachable` or `trust` where
 * what answers is no feed, or another one.
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
    const host: Host = { kernel, config, provisionedRoot, buildId: kernel.buildId, directory };
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

/** Any web server says that it has no such file: a feed has the root of trust, or at least a list of kernels. */
async function requireFeed(config: Config, setUp: SetUp, why: RebootlessError): Promise<void> {
  const [feed] = openFeeds(config);
  const fetched = await feed?.get(rootPath(setUp.rootVersion), { maxBytes: MAX_ROOT_BYTES });
  if (fetched?.status === "ok") {
    if (equalBytes(fetched.bytes, setUp.root)) return;
    throw notSetUp(
      new RebootlessError("trust", `${setUp.feed} has another root of trust than the one that was given`),
    );
  }
  const isFolder = setUp.feed.startsWith("file:");
  if (isFolder || why.details["searchable"] === true || why.answer["others"] !== undefined) return;
  throw notSetUp(
    new RebootlessError("unreachable", `${setUp.feed} answers, but nothing there shows that it is a feed`),
  );
}

function notSetUp(error: RebootlessError): RebootlessError {
  const { code, message, details, cause } = error;
  return new RebootlessError(code, message, {
    cause,
    details,
    hint: [whatToDo(error), "Nothing was set up; --offline sets up without asking."]
      .filter(Boolean)
      .join(" "),
  });
}

function whatToDo({ code, hint, details }: RebootlessError): string | undefined {
  if (code === "trust")
    return "Compare the address and the root of trust with the publisher's: they do not belong together.";
  return code === "unreachable" && details["proxy"] === undefined
    ? "Check the address and the network."
    : hint;
}
