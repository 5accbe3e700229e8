import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { FollowedBranch } from "../follow/sources/new_commits.ts";
import { count, many, parseFeedUrl, withKeys } from "./arguments.ts";
import type { FollowOptions } from "./follow_options.ts";
import { withPackageCache } from "./kernels_options.ts";
import type { CommandGroup } from "./run.ts";

const EXAMPLES = `
Examples:
  follow feed/ --feed https://feed.example.org/ --patches incoming/
  follow feed/ --feed https://feed.example.org/ --archive --commits linux=origin/linux-6.1.y --mail publisher@example.org
  follow feed/ --feed https://feed.example.org/ --patches incoming/ --yes --passphrase-file /run/credentials/passphrase

A run does what is left to do, and can be killed at any time. What it knows, makes and asks for lies in DIR/follow/:
state.json, requests/ to be signed, and status.html. docs/following.md says more.`;

/** Parses "CLONE=BRANCH". */
function clonedBranch(text: string, before: readonly FollowedBranch[]): readonly FollowedBranch[] {
  const at = text.lastIndexOf("=");
  if (at > 0 && at < text.length - 1)
    return [...before, { repository: resolve(text.slice(0, at)), branch: text.slice(at + 1) }];
  throw new InvalidArgumentError("Give CLONE=BRANCH: --commits linux=origin/linux-6.1.y");
}

/** An address that can stand in the head of a mail. */
function mailAddress(text: string): string {
  if (/^[\w.+=-]+@[\w.-]+$/.test(text) || /^[a-z_][\w-]*$/.test(text)) return text;
  throw new InvalidArgumentError("Give one address, such as publisher@example.org.");
}

function webhookUrl(text: string): string {
  if (URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol)) return text;
  throw new InvalidArgumentError("Give an http or https address.");
}

/** Adds the command that a timer runs for a publisher. */
export const followGroup: CommandGroup = (root, run) => {
  const following = root
    .command("follow <dir>")
    .description("take in new kernels and new fixes, and make, try and publish an update of each for each")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .optionsGroup("Where fixes come from:")
    .option(
      "--patches <dir>",
      "a folder in which fixes are dropped: files are single fixes, folders and mails are series (repeat)",
      many,
      [],
    )
    .option(
      "--commits <clone=branch>",
      "a local clone, and a branch of it of which each new commit is a fix (repeat)",
      clonedBranch,
      [],
    )
    .option(
      "--since <commit>",
      "where new commits begin, in the first run (default: where the branch is then)",
    )
    .option(
      "--archive",
      "the step from a kernel's source to the newest one of its series, as one cumulative update",
      false,
    )
    .optionsGroup("Making and trying:")
    .option("--kernels-file <file>", "the list of kernels; see the command kernels", "kernels.toml");
  withPackageCache(following)
    .option(
      "--cache <dir>",
      "where prepared trees and objects are kept (default: $XDG_CACHE_HOME/rebootless/create)",
    )
    .option(
      "-j, --jobs <n>",
      "how many kernels are compiled for at a time (default: one for each processor)",
      count,
    )
    .optionsGroup("Publishing:")
    .option("-y, --yes", "sign what has passed its trial, instead of asking others to", false);
  withKeys(following)
    .optionsGroup("Telling people:")
    .option("--mail <address>", "send a mail about what is new, by sendmail", mailAddress)
    .option("--webhook <url>", "post what is new to this address, as JSON", webhookUrl)
    .optionsGroup("Options:")
    .option("--dry-run", "say what would be done, and do nothing", false)
    .addHelpText("after", EXAMPLES)
    .action((dir: string, options: FollowOptions, self: Command) =>
      run("follow", self, async (context) => {
        // No other command does all of this, so no other one loads it.
        const { follow } = await import("./follow.ts");
        await follow(context, dir, options);
      }),
    );
};
