import { Command, InvalidArgumentError } from "commander";
import { type DraftOptions, draft } from "./commands/draft.ts";
import { fingerprint } from "./commands/fingerprint.ts";
import { type InitOptions, init } from "./commands/init.ts";
import { inspect } from "./commands/inspect.ts";
import { type PushOptions, push } from "./commands/push.ts";
import { rootRenew } from "./commands/root_renew.ts";
import type { Context } from "./context.ts";

interface Modes {
  readonly json: boolean;
  readonly quiet: boolean;
}

type Action = (context: Context) => Promise<void>;
type Run = (command: string, modes: Modes, action: Action) => Promise<void>;

const EXIT_CODES = `
Exit codes:
  0  done                          3  feed unreachable
  1  another error                 4  trust failure
  2  usage or configuration       12  others published first, again and again
                                  13  the edge refused what was sent`;

/** The command line. `run` gives each action its context and turns what it throws into an exit code. */
export function program(version: string, run: Run): Command {
  const root = new Command("rebootless-publish")
    .description("Makes updates for exact kernel builds, signs them and publishes them to a feed.")
    .version(version)
    .option("--json", "print one JSON object to stdout", false)
    .option("-q, --quiet", "no progress on stderr", false)
    .addHelpText("after", EXIT_CODES)
    .showHelpAfterError("hint: rebootless-publish --help shows what there is.")
    .exitOverride();
  const modes = (self: Command): Modes => self.optsWithGlobals();

  root
    .command("init <dir>")
    .description("make a feed's keys, root of trust and edge secrets, in a new folder")
    .option("--publisher <id>", "who publishes, as the edge knows it", "publisher")
    .option("--audience <name>", "to whom tokens are addressed: the feed's name", "rebootless")
    .option("--keys <n>", "keys each for root and for targets", count, 3)
    .option("--threshold <n>", "how many of them must sign", count, 2)
    .action((dir: string, options: InitOptions, self: Command) =>
      run("init", modes(self), (context) => init(context, dir, options)),
    );
  root
    .command("root")
    .description("look after the root of trust")
    .command("renew <dir>")
    .description("sign the next version with the same keys and a new expiry, and publish it")
    .requiredOption("--feed <url>", "address of the feed", feedAddress)
    .action((dir: string, options: { feed: string }, self: Command) =>
      run("root renew", modes(self), (context) => rootRenew(context, dir, options)),
    );
  root
    .command("inspect <file>")
    .description("say what a kernel image or a livepatch module is")
    .action((file: string, _: object, self: Command) =>
      run("inspect", modes(self), (context) => inspect(context, file)),
    );
  root
    .command("fingerprint <image> <function...>")
    .description("say what functions of a kernel must look like in memory")
    .action((image: string, names: string[], _: object, self: Command) =>
      run("fingerprint", modes(self), (context) => fingerprint(context, image, names)),
    );
  root
    .command("draft")
    .description("make the draft of an update from a kernel image and a livepatch module")
    .requiredOption("--image <file>", "the kernel's vmlinuz or vmlinux")
    .requiredOption("--module <file>", "the livepatch module")
    .requiredOption("--id <id>", "the update's lasting name: a-z 0-9 . -")
    .requiredOption("--summary <text>", "what it mends, in a sentence")
    .requiredOption("-o, --output <file>", "where to write the draft")
    .option("--cve <number>", "a CVE that it fixes (repeat)", many, [])
    .option("--depends <id>", "an update that must be applied before (repeat)", many, [])
    .option("--conflicts <id>", "an update that must not be applied with it (repeat)", many, [])
    .action((options: DraftOptions, self: Command) =>
      run("draft", modes(self), (context) => draft(context, options)),
    );
  root
    .command("push <dir> <draft>")
    .description("sign a draft on top of what the feed has, and publish it")
    .requiredOption("--feed <url>", "address of the feed", feedAddress)
    .option("--module <file>", "a module that the draft names (repeat)", many, [])
    .action((dir: string, file: string, options: PushOptions, self: Command) =>
      run("push", modes(self), (context) => push(context, dir, file, options)),
    );
  return root;
}

const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function count(value: string): number {
  if (/^[1-9]\d?$/.test(value)) return Number(value);
  throw new InvalidArgumentError("A number from 1 to 99.");
}

function feedAddress(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new InvalidArgumentError("An http or https address.");
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}
