import type { Command } from "commander";
import {
  count,
  many,
  parseFeedUrl,
  withConsent,
  withKeys,
  withNewPassphrase,
  withOwner,
} from "./arguments.ts";
import { type InitCommandOptions, init } from "./init.ts";
import { type PushOptions, push } from "./push.ts";
import type { CommandGroup } from "./run.ts";
import { type SignOptions, sign } from "./sign.ts";

/** Adds the commands that set up a feed, try drafts, sign and publish. */
export const publishGroup: CommandGroup = (root, run) => {
  withOwner(withNewPassphrase(root.command("init <dir>")))
    .description("make a feed's keys, root of trust and edge secrets, in a new folder")
    .option("--publisher <id>", "the name by which the edge knows the publisher", "publisher")
    .option("--audience <name>", "the audience of tokens, which is the feed's name", "rebootless")
    .option("--keys <n>", "how many keys to make for root, and for targets", count, 3)
    .option("--threshold <n>", "how many of these keys must sign", count, 2)
    .option(
      "--without-root",
      "make only the edge's keys, because others hold those of root and targets (see root propose)",
      false,
    )
    .action((dir: string, options: InitCommandOptions, self: Command) =>
      run("init", self, (context) => init(context, dir, options)),
    );
  withConsent(withKeys(root.command("sign <request>")))
    .description("show what a signing request changes, ask for consent, and add a signature")
    .option("--key <file>", "the key that signs")
    .option("--root <file>", "the newest root you hold (default: the newest beside the key)")
    .option("--status", "only show what it changes, who has signed, and who is missing", false)
    .action((file: string, options: SignOptions, self: Command) =>
      run("sign", self, (context) => sign(context, file, options)),
    );
  withConsent(withKeys(root.command("push <dir> [draft...]")))
    .description("sign drafts on top of what the feed has for their kernels, and publish them")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .option("--module <file>", "a module that a draft names, or a folder of them (repeat)", many, [])
    .option("--fingerprints <file>", "the fingerprints of the whole kernel, with which hosts check it")
    .option("--expires <when>", 'when targets expire: "in 90 days", or a date (default: in 180 days)')
    .option("--replace", "keep no update that is in force, after its keys were revoked", false)
    .option("--request <file>", "write a signing request for others instead of signing")
    .option("--require-tried", "refuse drafts that did not pass `try` as they are", false)
    .option("--signed <file>", "publish a signing request that has enough signatures")
    .option(
      "--dry-run",
      "show what would change for each kernel and let the edge check it, without publishing",
      false,
    )
    .addHelpText("after", PUSH_EXAMPLES)
    .action((dir: string, drafts: string[], options: PushOptions, self: Command) =>
      run("push", self, (context) => push(context, dir, drafts, options)),
    );
};

const PUSH_EXAMPLES = `
Examples:
  push feed/ fix-1.json --module fix.ko --feed https://feed.example.org/
  push feed/ drafts/ --module modules/ --feed https://feed.example.org/ --dry-run

A folder stands for the drafts (.json) or modules (.ko) in it, with one draft for each kernel. Each kernel is published
completely or not at all, independently of the others. Run the command again to continue: it does not send again what is
in force already.`;
