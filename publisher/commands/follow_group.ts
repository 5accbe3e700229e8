import type { Command } from "commander";
import { count, many, parseFeedUrl, withKeys } from "./arguments.ts";
import type { FollowOptions } from "./follow_options.ts";
import { withPackageCache } from "./kernels_options.ts";
import type { CommandGroup } from "./run.ts";

const EXAMPLES = `
Examples:
  follow feed/ --feed https://feed.example.org/ --patches incoming/
  follow feed/ --feed https://feed.example.org/ --patches incoming/ --yes --passphrase-file /run/credentials/passphrase

A run does what is left to do, and can be killed at any time. What it knows, makes and asks for lies in DIR/follow/:
state.json, requests/ to be signed, and status.html. docs/following.md says more.`;

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
    .addHelpText("after", EXAMPLES)
    .action((dir: string, options: FollowOptions, self: Command) =>
      run("follow", self, async (context) => {
        // No other command does all of this, so no other one loads it.
        const { follow } = await import("./follow.ts");
        await follow(context, dir, options);
      }),
    );
};
