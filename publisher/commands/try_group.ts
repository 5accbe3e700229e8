import { type Command, Option } from "commander";
import { ACCELERATORS } from "../try/guest/qemu.ts";
import { count, many } from "./arguments.ts";
import { withPackageCache } from "./kernels_options.ts";
import type { CommandGroup } from "./run.ts";
import type { TryCommandOptions } from "./try.ts";

const EXAMPLES = `
Examples:
  rebootless-publish try fix/fix.json --image linux-image-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb
  rebootless-publish try fix/fix.json --image / --exercise reproducer.sh
  rebootless-publish try fixes/*/fix.json

Without --image, the kernels of the drafts are taken from the list of kernels (see the command kernels).
The module of a draft lies beside it or is named by --module. The result is written beside the draft, as ID.tried.json.
--exercise names a script (of busybox's sh, or of node) or a static program. It must end with an exit code other than 0
without the update, where it may crash the kernel, and with 0 once the update is applied. On Debian, the command needs
the packages qemu-system-x86, busybox-static and util-linux.`;

/** Adds the command that tries drafts. */
export const tryGroup: CommandGroup = (root, run) => {
  const trying = root
    .command("try <draft...>")
    .description("boot the draft's kernel in QEMU and let a host apply, use and undo the update there")
    .option(
      "--image <file>",
      "the kernel's vmlinuz, its package, or a folder (default: by its build ID from the list of kernels)",
    )
    .option(
      "--modules <path>",
      "where to find the kernel's modules: a folder or a .deb (repeat; default: with the image)",
      many,
      [],
    )
    .option("--kernels-file <file>", "the list of kernels", "kernels.toml");
  withPackageCache(trying)
    .option("--module <file>", "a module that a draft names, or a folder of them (repeat)", many, [])
    .option("--exercise <file>", "a script that must fail without the update and pass with it")
    .option(
      "--load-minutes <n>",
      "how long system calls are made with the update applied (default: once, some seconds)",
      count,
      0,
    )
    .addOption(
      new Option("--accel <name>", "what runs the guest's processors: auto is KVM where it works, else TCG")
        .choices(["auto", ...ACCELERATORS])
        .default("auto"),
    )
    .option("--cpu <model>", "a CPU model of QEMU's (default: host with KVM, Haswell with TCG)")
    .addHelpText("after", EXAMPLES)
    .action((drafts: string[], options: TryCommandOptions, self: Command) =>
      run("try", self, async (context) => {
        // No other command boots kernels, so no other one loads this.
        const { tryDrafts } = await import("./try.ts");
        await tryDrafts(context, drafts, options);
      }),
    );
};
