import type { Command } from "commander";
import type { UpdateId } from "../../shared/brand.ts";
import { many, manyKernels, parseFeedUrl, updateNamed, withConsent, withKeys } from "./arguments.ts";
import { type RecallOptions, recallUpdate, unrecallUpdate } from "./recall.ts";
import type { CommandGroup } from "./run.ts";

/** Adds the commands that recall an update which turned out bad, and that take a recall back. */
export const recallGroup: CommandGroup = (root, run) => {
  const recalling = root
    .command("recall")
    .description("tell hosts not to apply an update any more, for every kernel that has it");
  feedOptions(recalling)
    .requiredOption("--reason <text>", "the reason, in one line that hosts show")
    .addHelpText("after", RECALL_EXAMPLES)
    .action((dir: string, id: UpdateId, options: RecallOptions & { reason: string }, self: Command) =>
      run("recall", self, (context) => recallUpdate(context, dir, id, options)),
    );
  const taking = root
    .command("unrecall")
    .description("take a recall back, for every kernel that has the update");
  feedOptions(taking)
    .addHelpText("after", UNRECALL_EXAMPLES)
    .action((dir: string, id: UpdateId, options: RecallOptions, self: Command) =>
      run("unrecall", self, (context) => unrecallUpdate(context, dir, id, options)),
    );
};

const feedOptions = (command: Command): Command =>
  withConsent(withKeys(command))
    .argument("<dir>", "the publisher's folder")
    .argument("<id>", "the update", updateNamed)
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .option(
      "--kernel <build-id>",
      "only for this kernel, whether it is listed or not (repeat)",
      manyKernels,
      [],
    )
    .option("--release <pattern>", "only for kernels of this release: '6.1.*-amd64' (repeat)", many, [])
    .option(
      "--request <folder>",
      "write signing requests for others, one for each kernel, instead of signing",
    )
    .option("--dry-run", "let the edge check it, without publishing", false);

const HOW = `
Every kernel that the feed lists is read and verified, and only the recall of this update changes. Run the command again to
continue: it does not sign again what is in force already.`;

const RECALL_EXAMPLES = `
Examples:
  recall feed/ fix-1 --reason "oopses under load: use fix-2" --feed https://feed.example.org/
  recall feed/ fix-1 --reason "oopses" --release '6.1.*' --feed https://feed.example.org/ --dry-run
${HOW}`;

const UNRECALL_EXAMPLES = `
Examples:
  unrecall feed/ fix-1 --feed https://feed.example.org/
${HOW}`;
