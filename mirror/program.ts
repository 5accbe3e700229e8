import { Command } from "commander";
import { type CommandTree, commandTree } from "../node/cli/command_tree.ts";
import { type GlobalOptions, withGlobalOptions } from "../node/cli/global_options.ts";
import { MIRROR_COMMAND } from "../node/cli/subprogram.ts";
import { usageErrors } from "../node/cli/usage_errors.ts";
import { letOthersRead } from "../node/umask.ts";
import { type MirrorResignOptions, mirrorResign } from "./commands/resign.ts";
import { type MirrorServeOptions, mirrorServe } from "./commands/serve.ts";
import { type MirrorSyncOptions, mirrorSync } from "./commands/sync.ts";
import {
  type MirrorExportOptions,
  type MirrorImportOptions,
  type MirrorStateOptions,
  mirrorExport,
  mirrorImport,
  mirrorState,
} from "./commands/transfer.ts";
import { mirrorVerify } from "./commands/verify.ts";
import type { Context } from "./context.ts";

type Action = (context: Context) => Promise<void>;

/** A function that gives an action its context and turns a thrown error into an exit code. */
type Run = (command: string, globals: GlobalOptions, action: Action) => Promise<void>;

const ROOT = "the root of trust, received from the publisher in a way you trust; needed the first time";
const ACCEPT_STALE = "accept metadata that expired up to this long ago: 90m, 36h, 14d";

const many = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
const examples = (...lines: readonly string[]): string =>
  ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n");

/** Makes an action leave files that web servers and people who are not root can read. */
const forOthers =
  (action: Action): Action =>
  async (context) => {
    letOthersRead(process);
    await action(context);
  };

/** Returns the command line of `rebootless`, with `mirror` as its only command. */
export function program(version: string, run: Run): Command {
  const root = withGlobalOptions(new Command("rebootless").version(version)).exitOverride();
  addMirrorCommands(root, (name, self, action) => run(name, self.optsWithGlobals(), action));
  usageErrors(root);
  return root;
}

/** Returns what `rebootless mirror --help` shows. */
export const mirrorHelp = (version: string): string => mirrorCommand(version).helpInformation();

/** Returns `mirror` and its commands, for man pages and shells. */
export const mirrorTree = (version: string): CommandTree => commandTree(mirrorCommand(version));

function mirrorCommand(version: string): Command {
  const [mirror] = program(version, async () => undefined).commands;
  if (!mirror) throw new Error("the program has no command");
  return mirror;
}

/**
 * Adds the commands that keep a mirror and carry it over an air gap. None of them changes the host that it
 * runs on.
 */
function addMirrorCommands(
  root: Command,
  run: (name: string, self: Command, action: Action) => Promise<void>,
): void {
  const mirror = root.command(MIRROR_COMMAND.name).description(MIRROR_COMMAND.description);
  mirror
    .command("sync <feed> <dir>")
    .description("bring a mirror up to date: fetch what changed, and verify all of it")
    .option("--root <file>", ROOT)
    .optionsGroup("Which kernels (the choice holds until you make another):")
    .option("--all", "all kernels of the feed")
    .option("--kernel <build-id...>", "these kernels")
    .option("--release <pattern>", "kernels by `uname -r`, such as 6.1.*-cloud-amd64 (repeat)", many)
    .option("--distribution <pattern>", "kernels by distribution, such as 'Debian *' (repeat)", many)
    .option("--for <file...>", "kernels of these hosts: lines of `rebootless inventory`")
    .optionsGroup("Options:")
    .option("--keep <policy>", "remove old files but these: 3 (versions of each file) or 30d")
    .option("--renew-within <time>", "renew signatures that expire within this time (else 84h)")
    .option("--accept-stale <time>", ACCEPT_STALE)
    .addHelpText(
      "after",
      examples(
        "rebootless mirror sync https://feed.example.org/ /srv/mirror --root root.json --release '6.1.*'",
        "rebootless mirror sync https://feed.example.org/ /srv/mirror      # the same kernels as last time",
        "rebootless mirror sync /media/stick /srv/mirror --for hosts.txt",
      ),
    )
    .action((feed: string, dir: string, options: MirrorSyncOptions, self: Command) =>
      run(
        "mirror sync",
        self,
        forOthers((context) => mirrorSync(context, feed, dir, options)),
      ),
    );
  mirror
    .command("verify <dir>")
    .description("verify every file of a mirror, offline, and name what is damaged, missing or foreign")
    .addHelpText(
      "after",
      examples("rebootless mirror verify /srv/mirror", "rebootless mirror verify /media/stick --json"),
    )
    .action((dir: string, _: object, self: Command) =>
      run("mirror verify", self, (context) => mirrorVerify(context, dir)),
    );
  mirror
    .command("serve <dir>")
    .description("serve a mirror to hosts over HTTP, at the paths of the feed")
    .option("--host <address>", "the address to listen at", "127.0.0.1")
    .option("--port <number>", "the port to listen at; 0 takes any free one", "8080")
    .addHelpText("after", examples("rebootless mirror serve /srv/mirror --host 0.0.0.0 --port 80"))
    .action((dir: string, options: MirrorServeOptions, self: Command) =>
      run("mirror serve", self, (context) => mirrorServe(context, dir, options)),
    );
  mirror
    .command("state <dir>")
    .description("write a short list of what a mirror has, to take to where a transfer is made")
    .requiredOption("-o, --output <file>", "the file to write, a new one")
    .option("--force", "replace the file if it exists")
    .action((dir: string, options: MirrorStateOptions, self: Command) =>
      run("mirror state", self, (context) => mirrorState(context, dir, options)),
    );
  mirror
    .command("export <dir>")
    .description("write a transfer: what another mirror lacks, in one file, to carry over an air gap")
    .option("--since <state>", "what the other mirror has, by `mirror state` (else: everything goes along)")
    .requiredOption("-o, --output <file>", "the file to write, a new one")
    .option("--force", "replace the file if it exists")
    .option("--split <size>", "write parts FILE.001, FILE.002, … of at most this size: 1440k, 700M, 4G")
    .addHelpText(
      "after",
      examples(
        "rebootless mirror export /srv/mirror -o all.tar",
        "rebootless mirror export /srv/mirror --since site.state -o week-31.tar --split 4G",
      ),
    )
    .action((dir: string, options: MirrorExportOptions, self: Command) =>
      run("mirror export", self, (context) => mirrorExport(context, dir, options)),
    );
  mirror
    .command("import")
    .argument("<file-and-dir...>", "a transfer or all its parts in any order, then the mirror's folder")
    .description("take a transfer into a mirror, after all of it has been verified")
    .option("--root <file>", ROOT)
    .option("--accept-stale <time>", ACCEPT_STALE)
    .addHelpText(
      "after",
      examples(
        "rebootless mirror import all.tar /srv/mirror --root root.json",
        "rebootless mirror import week-31.tar.* /srv/mirror",
      ),
    )
    .action((things: string[], options: MirrorImportOptions, self: Command) =>
      run(
        "mirror import",
        self,
        forOthers((context) => mirrorImport(context, things, options)),
      ),
    );
  mirror
    .command("resign <dir>")
    .description("sign a mirror's timestamps again, with a key of the site that the root of trust names")
    .requiredOption("--key <file>", "the private key, as `rebootless-publish keys export` writes it")
    .option("--expires <time>", "how long they last: at most 90d, and at most as long as the snapshot", "14d")
    .addHelpText("after", examples("rebootless mirror resign /srv/mirror --key site.jwk --expires 21d"))
    .action((dir: string, options: MirrorResignOptions, self: Command) =>
      run(
        "mirror resign",
        self,
        forOthers((context) => mirrorResign(context, dir, options)),
      ),
    );
}
