import type { Command } from "commander";
import { many } from "./arguments.ts";
import { type KernelsAddOptions, kernelsAdd } from "./kernels_add.ts";
import { kernelsList } from "./kernels_list.ts";
import { type KernelsFileOptions, withKernelsFile, withPackageCache } from "./kernels_options.ts";
import { kernelsRemove } from "./kernels_remove.ts";
import { type KernelsSyncOptions, kernelsSync } from "./kernels_sync.ts";
import type { CommandGroup } from "./run.ts";

const EXAMPLES = `
The list is a file that you can read, change and keep under version control. Patterns are as in a shell: 6.1.0-*-cloud-amd64.

Examples:
  rebootless-publish kernels add debian --flavour cloud-amd64 --release '6.1.*' --release '6.12.*'
  rebootless-publish kernels add trixie --suite trixie --suite trixie-security
  rebootless-publish kernels add fleet --inventory inventory.txt
  rebootless-publish kernels add rocky --folder reposync/baseos
  rebootless-publish kernels sync`;

/** Adds the commands that keep the list of the kernels that a publisher serves. */
export const kernelsGroup: CommandGroup = (root, run) => {
  const kernels = root
    .command("kernels")
    .description("keep the list of the kernels that you serve: where they come from, and which there are")
    .addHelpText("after", EXAMPLES);
  withKernelsFile(kernels.command("add <name>"))
    .description("add an archive that kernels come from, under a name of your choice")
    .option(
      "--suite <name>",
      "a suite of the distribution's archive (repeat) (default: those that this machine's apt has)",
      many,
      [],
    )
    .option("--folder <dir>", "a folder with the packages of kernels instead: .deb or .rpm")
    .option("--inventory <file>", "take the releases from lines that `rebootless inventory` printed on hosts")
    .option("--release <pattern>", "serve the kernels with such a release (repeat) (default: all)", many, [])
    .option("--flavour <name>", "serve this flavour, such as cloud-amd64 (repeat) (default: all)", many, [])
    .action((name: string, options: KernelsAddOptions, self: Command) =>
      run("kernels add", self, (context) => kernelsAdd(context, name, options)),
    );
  withPackageCache(withKernelsFile(kernels.command("sync [name...]")))
    .description("look for the kernels of all archives, or of some, and write them into the list")
    .action((names: string[], options: KernelsSyncOptions, self: Command) =>
      run("kernels sync", self, (context) => kernelsSync(context, names, options)),
    );
  withKernelsFile(kernels.command("list [pattern...]"))
    .description("show the kernels, or those with such a release or build ID")
    .action((patterns: string[], options: KernelsFileOptions, self: Command) =>
      run("kernels list", self, (context) => kernelsList(context, patterns, options)),
    );
  withKernelsFile(kernels.command("remove <name...>"))
    .description("stop serving an archive, or kernels with such a release")
    .action((names: string[], options: KernelsFileOptions, self: Command) =>
      run("kernels remove", self, (context) => kernelsRemove(context, names, options)),
    );
};
