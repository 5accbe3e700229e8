import { Argument, Command } from "commander";
import { commandTree } from "../node/cli/command_tree.ts";
import { exitCodesHelp } from "../node/cli/exit_help.ts";
import { type GlobalOptions, withGlobalOptions } from "../node/cli/global_options.ts";
import { groupHelp, type HelpGroups } from "../node/cli/help_groups.ts";
import { MIRROR_COMMAND, type Subprogram, withSubprogram } from "../node/cli/subprogram.ts";
import { usageErrors } from "../node/cli/usage_errors.ts";
import { type Action, asRoot, forOthers, recorded } from "./actions.ts";
import { boot } from "./commands/boot.ts";
import { type CheckOptions, check } from "./commands/check.ts";
import { COMPLETED, type Completed, complete } from "./commands/complete.ts";
import { completion, type Shell } from "./commands/completion.ts";
import { config } from "./commands/config.ts";
import { doctor } from "./commands/doctor.ts";
import { history } from "./commands/history.ts";
import { type HoldOptions, hold, type UnholdOptions, unhold } from "./commands/hold.ts";
import { holds } from "./commands/holds.ts";
import { type InitOptions, init } from "./commands/init.ts";
import { type InventoryOptions, inventory } from "./commands/inventory.ts";
import { type MetricsOptions, metrics } from "./commands/metrics.ts";
import type { PollingOptions } from "./commands/polling.ts";
import { scheduled } from "./commands/scheduled.ts";
import { type ShowOptions, show } from "./commands/show.ts";
import { status } from "./commands/status.ts";
import { type UnameOptions, uname } from "./commands/uname.ts";
import { type UndoOptions, undo } from "./commands/undo.ts";
import { type UpgradeOptions, upgrade } from "./commands/upgrade.ts";
import { type VerifyOptions, verify } from "./commands/verify.ts";
import { type VerifyKernelOptions, verifyKernel } from "./commands/verify_kernel.ts";
import { type VexOptions, vex } from "./commands/vex.ts";

const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];

const GROUPS: HelpGroups = {
  "Updates:": ["check", "upgrade", "undo", "show", "status", "history", "hold", "unhold", "verify"],
  "Setting up:": ["init", "doctor", "config"],
  "For the boot, monitors and scanners:": ["boot", "metrics", "vex", "uname"],
  "Hosts without internet:": ["mirror", "inventory"],
  "Help:": ["completion"],
};

type Run = (command: string, globals: GlobalOptions, action: Action) => Promise<void>;

const polling = (command: Command): Command =>
  command
    .option("--offline", "make no request; use what was verified before")
    .option("--accept-stale <time>", "accept metadata that expired less than this time ago: 90m, 36h, 14d");

/**
 * Returns the command line.
 *
 * @param run gives each action its context and turns what it throws into an exit code.
 * @param mirror loads the program that `rebootless mirror` is.
 */
export function program(version: string, run: Run, mirror: () => Subprogram): Command {
  const root = new Command("rebootless")
    .description("Updates the running Linux kernel without a reboot, from a feed that it verifies.")
    .version(version);
  withGlobalOptions(root).addHelpText("after", exitCodesHelp("host")).exitOverride();

  const command = (usage: string, description: string) => root.command(usage).description(description);
  const globals = (self: Command): GlobalOptions => self.optsWithGlobals();
  /** Runs a command that only root may run, and records how it ended. */
  const change = (name: string, purpose: string, self: Command, action: Action) =>
    run(name, globals(self), asRoot(purpose, recorded(name, version, action)));

  command("init", "set this host up: its feed and its root of trust")
    .requiredOption("--feed <url>", "address of the feed")
    .requiredOption(
      "--root <file>",
      "root of trust, which you got from the publisher in a way that you trust",
    )
    .option("--force", "replace a different root of trust")
    .option("--offline", "do not contact the feed; for images and packages")
    .action((options: InitOptions, self: Command) =>
      run(
        "init",
        globals(self),
        asRoot("set a host up", (context) => init(context, options)),
      ),
    );
  polling(command("check", "ask the feed for updates of the running kernel"))
    .option("--exit-code", "exit with 100 if there is something to apply")
    .action((options: CheckOptions, self: Command) =>
      change("check", "store what is verified", self, (context) => check(context, options)),
    );
  command("completion", "print a script that lets a shell complete this command line")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "fish", "zsh"] satisfies Shell[]))
    .action((shell: Shell, _: object, self: Command) =>
      run("completion", globals(self), (context) =>
        completion(context, shell, withSubprogram(commandTree(root), mirror().tree())),
      ),
    );
  root
    .command("complete", { hidden: true })
    .addArgument(new Argument("<what>", "the kind of words to list").choices(COMPLETED))
    .action((what: Completed, _: object, self: Command) =>
      run("complete", globals(self), (context) => complete(context, what)),
    );
  command("config", "show every setting, its value and where it is set").action((_: object, self: Command) =>
    run("config", globals(self), config),
  );
  polling(command("doctor", "check whether this host can be patched, and what prevents it")).action(
    (options: PollingOptions, self: Command) =>
      run("doctor", globals(self), (context) => doctor(context, options).finally(context.lock.release)),
  );
  command("hold", "keep updates from being applied until unhold, or list the holds")
    .argument(
      "[id-or-cve...]",
      "an update's id, or a CVE for every update that fixes it (default: list the holds)",
    )
    .option("--reason <text>", "the reason, which is shown with the hold")
    .option("--force", "hold it even if no known update has this id or fixes this CVE")
    .action((names: string[], options: HoldOptions, self: Command) =>
      names.length > 0
        ? change("hold", "hold updates", self, (context) => hold(context, names, options))
        : run("hold", globals(self), (context) => holds(context, options)),
    );
  command("boot", "apply again what was applied before a reboot, without a feed").action(
    (_: object, self: Command) => change("boot", "apply updates", self, boot),
  );
  command("history", "show the changes to the running kernel's build, boot by boot").action(
    (_: object, self: Command) => run("history", globals(self), history),
  );
  command("metrics", "print metrics for a monitor, in the text format of Prometheus")
    .option("-o, --output <file>", "the file to write (default: stdout)")
    .action((options: MetricsOptions, self: Command) =>
      run(
        "metrics",
        globals(self),
        forOthers((context) => metrics(context, version, options)),
      ),
    );
  polling(command("upgrade", "apply the updates that the running kernel lacks"))
    .argument("[id...]", "updates to apply, with those that they depend on (default: all)")
    .option("-n, --dry-run", "do everything except loading, and say what would happen")
    .option("--partial", "apply updates of modules that are not loaded when these are loaded")
    .option("--no-partial", "refuse updates of modules that are not loaded")
    .option("--replace-others", "let an atomic replace take out patches that it does not supersede")
    .option("--scheduled", "run as cron and timers do: after a random wait, quietly, and according to `mode`")
    .action((ids: string[], options: UpgradeOptions & { readonly scheduled?: boolean }, self: Command) =>
      change("upgrade", "apply updates", self, async (context) => {
        if (!options.scheduled) return upgrade(context, ids, options);
        await scheduled(context, {
          check: (quiet) => check(quiet, options),
          upgrade: (quiet) => upgrade(quiet, ids, options),
        });
      }),
    );
  command("show", "list the updates for this kernel, or show one in full")
    .argument("[id]", "an update to show in full")
    .option("--available", "only updates that are not applied")
    .option("--applied", "only updates that are applied")
    .action((id: string | undefined, options: ShowOptions, self: Command) =>
      run("show", globals(self), (context) => show(context, id, options)),
    );
  command("status", "show the state of the running kernel and its updates").action(
    (_: object, self: Command) => run("status", globals(self), status),
  );
  command("uname", "print what uname(1) prints, with the release whose fixes the kernel has")
    .option("-a", "everything")
    .option("-s", "the kernel's name (the default)")
    .option("-n", "the host's name")
    .option("-r", "the effective release")
    .option("-v", "the kernel's version")
    .option("-m", "the machine's architecture")
    .option("-p", "the processor")
    .option("-i", "the hardware platform")
    .option("-o", "the operating system")
    .action((options: UnameOptions, self: Command) =>
      run("uname", globals(self), (context) => uname(context, options)),
    );
  command("undo", "take updates out of the running kernel")
    .argument("[id...]", "updates to undo, with those that depend on them")
    .option("--all", "undo every update of this feed")
    .option("-n, --dry-run", "only say what would be undone")
    .action((ids: string[], options: UndoOptions, self: Command) =>
      change("undo", "undo updates", self, (context) => undo(context, ids, options)),
    );
  command("unhold", "allow held updates to be applied again")
    .argument("<id-or-cve...>", "what is held")
    .option("--force", "ignore what is not held")
    .action((names: string[], options: UnholdOptions, self: Command) =>
      change("unhold", "release holds", self, (context) => unhold(context, names, options)),
    );
  command("verify", "verify who signed something, or that the running kernel's code is unchanged")
    .argument(
      "[what...]",
      "a module, a manifest, a feed.json, a mirror's folder, or the id of an applied update",
    )
    .option("--bundle <file>", "the feed.json to verify against, instead of what this host has stored")
    .option("--kernel", "compare every function of the running kernel with its distribution's image")
    .option("--fingerprints <file...>", "with --kernel: fingerprint files to use instead of the feed's")
    .option("--kcore <core>", "with --kernel: an ELF core file to check instead of the running kernel")
    .action((what: string[], options: VerifyOptions & VerifyKernelOptions, self: Command) =>
      run("verify", globals(self), (context) =>
        options.kernel ? verifyKernel(context, what, options) : verify(context, what, options),
      ),
    );
  command("vex", "state in OpenVEX which of the CVEs that the feed has fixes for affect the running kernel")
    .option(
      "--product <purl>",
      "a further name for this kernel, besides its distribution's package (repeatable)",
      many,
      [],
    )
    .option("-o, --output <file>", "the file to write (default: stdout)")
    .action((options: VexOptions, self: Command) =>
      run("vex", globals(self), (context) => vex(context, version, options)),
    );
  command(
    "inventory",
    "print this host's kernel, modules and applied updates as one line, to carry to a mirror",
  )
    .option("--qr", "print it as a QR code")
    .action((options: InventoryOptions, self: Command) =>
      run("inventory", globals(self), (context) => inventory(context, options)),
    );
  const mirrorCommand = command(MIRROR_COMMAND.name, MIRROR_COMMAND.description)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => mirror().run());
  mirrorCommand.helpInformation = () => mirror().help();
  groupHelp(root, GROUPS);
  usageErrors(root);
  return root;
}
