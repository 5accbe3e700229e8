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
import { COMPLETED, type Completed } from "./commands/completed.ts";
import type { Shell } from "./commands/completion.ts";
import type { HoldOptions, UnholdOptions } from "./commands/hold.ts";
import type { InitOptions } from "./commands/init.ts";
import type { InventoryOptions } from "./commands/inventory.ts";
import type { MetricsOptions } from "./commands/metrics.ts";
import type { PollingOptions } from "./commands/polling.ts";
import { scheduled } from "./commands/scheduled.ts";
import type { ShowOptions } from "./commands/show.ts";
import type { UnameOptions } from "./commands/uname.ts";
import { type UndoOptions, undo } from "./commands/undo.ts";
import { type UpgradeOptions, upgrade } from "./commands/upgrade.ts";
import type { VerifyOptions } from "./commands/verify.ts";
import type { VerifyKernelOptions } from "./commands/verify_kernel.ts";
import type { VexOptions } from "./commands/vex.ts";

/** What scheduled runs never load. */
const looking = () => import("./commands/inspecting.ts");

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
    .option("--offline", "make no request: use what was verified before")
    .option("--accept-stale <time>", "take metadata that expired this long ago: 90m, 36h, 14d");

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
  /** Root's alone, and its end is written down. */
  const change = (name: string, purpose: string, self: Command, action: Action) =>
    run(name, globals(self), asRoot(purpose, recorded(name, version, action)));

  command("init", "set this host up: which feed, and the root of trust")
    .requiredOption("--feed <url>", "address of the feed")
    .requiredOption("--root <file>", "root of trust, had from the publisher by a way you trust")
    .option("--force", "replace another root of trust")
    .option("--offline", "do not ask the feed, which may be out of reach: for images and packages")
    .action((options: InitOptions, self: Command) =>
      run(
        "init",
        globals(self),
        asRoot("set a host up", async (context) => {
          const { init } = await looking();
          await init(context, options);
        }),
      ),
    );
  polling(command("check", "ask the feed what there is for the running kernel"))
    .option("--exit-code", "end with 100 if there is something to apply")
    .action((options: CheckOptions, self: Command) =>
      change("check", "keep what is verified", self, (context) => check(context, options)),
    );
  command("completion", "print the script by which a shell completes this command line")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "fish", "zsh"] satisfies Shell[]))
    .action((shell: Shell, _: object, self: Command) =>
      run("completion", globals(self), async (context) => {
        const { completion } = await looking();
        await completion(context, shell, withSubprogram(commandTree(root), mirror().tree()));
      }),
    );
  root
    .command("complete", { hidden: true })
    .addArgument(new Argument("<what>", "what words are wanted").choices(COMPLETED))
    .action((what: Completed, _: object, self: Command) =>
      run("complete", globals(self), async (context) => {
        const { complete } = await looking();
        await complete(context, what);
      }),
    );
  command("config", "show every setting, and where its value was said").action((_: object, self: Command) =>
    run("config", globals(self), async (context) => {
      const { config } = await looking();
      await config(context);
    }),
  );
  polling(command("doctor", "say whether this host can be patched, and what forbids it")).action(
    (options: PollingOptions, self: Command) =>
      run("doctor", globals(self), async (context) => {
        const { doctor } = await looking();
        await doctor(context, options).finally(context.lock.release);
      }),
  );
  command("hold", "keep updates from being applied until unhold, or list what is held")
    .argument("[id-or-cve...]", "an update's id, or a CVE: whatever fixes it (else: list what is held)")
    .option("--reason <text>", "why, for whoever asks later")
    .option("--force", "also what nothing that was verified here is called or fixes")
    .action((names: string[], options: HoldOptions, self: Command) =>
      names.length > 0
        ? change("hold", "hold updates", self, async (context) => {
            const { hold } = await looking();
            await hold(context, names, options);
          })
        : run("hold", globals(self), async (context) => {
            const { holds } = await looking();
            await holds(context, options);
          }),
    );
  command("boot", "apply what was applied before a reboot, without a feed").action(
    (_: object, self: Command) => change("boot", "apply updates", self, boot),
  );
  command("history", "say what was done to the running kernel's build, boot by boot").action(
    (_: object, self: Command) =>
      run("history", globals(self), async (context) => {
        const { history } = await looking();
        await history(context);
      }),
  );
  command("metrics", "print what a monitor wants to know, in the text format of Prometheus")
    .option("-o, --output <file>", "where to write it; stdout without it")
    .action((options: MetricsOptions, self: Command) =>
      run(
        "metrics",
        globals(self),
        forOthers(async (context) => {
          const { metrics } = await looking();
          await metrics(context, version, options);
        }),
      ),
    );
  polling(command("upgrade", "apply the updates that the running kernel lacks"))
    .argument("[id...]", "these, with what they depend on (else: all)")
    .option("-n, --dry-run", "do everything but load, and say what would happen")
    .option("--partial", "apply to what is loaded, and leave modules that are not for later")
    .option("--no-partial", "refuse updates of modules that are not loaded")
    .option("--replace-others", "let an atomic replace take out patches that it does not supersede")
    .option("--scheduled", "as cron and timers run it: after a random wait, quiet, and as `mode` says")
    .action((ids: string[], options: UpgradeOptions & { readonly scheduled?: boolean }, self: Command) =>
      change("upgrade", "apply updates", self, async (context) => {
        if (!options.scheduled) return upgrade(context, ids, options);
        await scheduled(context, {
          check: (quiet) => check(quiet, options),
          upgrade: (quiet) => upgrade(quiet, ids, options),
        });
      }),
    );
  command("show", "list the updates for this kernel, or tell all there is to one")
    .argument("[id]", "an update")
    .option("--available", "only what is not applied")
    .option("--applied", "only what is applied")
    .action((id: string | undefined, options: ShowOptions, self: Command) =>
      run("show", globals(self), async (context) => {
        const { show } = await looking();
        await show(context, id, options);
      }),
    );
  command("status", "say what is in force").action((_: object, self: Command) =>
    run("status", globals(self), async (context) => {
      const { status } = await looking();
      await status(context);
    }),
  );
  command("uname", "as uname(1), with the release whose fixes the kernel has")
    .option("-a", "everything")
    .option("-s", "the kernel's name (nothing given: this)")
    .option("-n", "the host's name")
    .option("-r", "the effective release")
    .option("-v", "the kernel's version")
    .option("-m", "the machine's architecture")
    .option("-p", "the processor")
    .option("-i", "the hardware platform")
    .option("-o", "the operating system")
    .action((options: UnameOptions, self: Command) =>
      run("uname", globals(self), async (context) => {
        const { uname } = await looking();
        await uname(context, options);
      }),
    );
  command("undo", "take updates out of the running kernel")
    .argument("[id...]", "updates to undo, with those that depend on them")
    .option("--all", "undo every update of this feed")
    .option("-n, --dry-run", "say what would be undone")
    .action((ids: string[], options: UndoOptions, self: Command) =>
      change("undo", "undo updates", self, (context) => undo(context, ids, options)),
    );
  command("unhold", "let updates be applied again that were held")
    .argument("<id-or-cve...>", "what was held")
    .option("--force", "pass over what is not held")
    .action((names: string[], options: UnholdOptions, self: Command) =>
      change("unhold", "let updates go", self, async (context) => {
        const { unhold } = await looking();
        await unhold(context, names, options);
      }),
    );
  command("verify", "say where something comes from, or whether the running kernel is the code it should be")
    .argument(
      "[what...]",
      "a module, a manifest, a feed.json, a mirror's folder, or the id of an applied update",
    )
    .option("--bundle <file>", "the kernel's feed.json to verify against, in place of what this host keeps")
    .option("--kernel", "compare every function of the running kernel with its distribution's image")
    .option("--fingerprints <file...>", "with --kernel: what the functions must be, in place of the feed's")
    .option("--kcore <core>", "with --kernel: an ELF core file to look at, in place of the running kernel")
    .action((what: string[], options: VerifyOptions & VerifyKernelOptions, self: Command) =>
      run("verify", globals(self), async (context) => {
        const { verify, verifyKernel } = await looking();
        if (!options.kernel) return verify(context, what, options);
        await verifyKernel(context, what, options);
      }),
    );
  command(
    "vex",
    "state in OpenVEX which CVEs the running kernel is affected by, of those that the feed fixes",
  )
    .option(
      "--product <purl>",
      "another name for this kernel, beside that of its distribution's package (repeat)",
      many,
      [],
    )
    .option("-o, --output <file>", "where to write the document; stdout without it")
    .action((options: VexOptions, self: Command) =>
      run("vex", globals(self), async (context) => {
        const { vex } = await looking();
        await vex(context, version, options);
      }),
    );
  command("inventory", "print what this host needs, as one line to carry out of a site")
    .option("--qr", "as a code for a telephone's camera")
    .action((options: InventoryOptions, self: Command) =>
      run("inventory", globals(self), async (context) => {
        const { inventory } = await looking();
        await inventory(context, options);
      }),
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
