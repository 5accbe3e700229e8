import { Command } from "commander";
import { exitCodesHelp } from "../node/cli/exit_help.ts";
import { groupHelp, type HelpGroups } from "../node/cli/help_groups.ts";
import { usageErrors } from "../node/cli/usage_errors.ts";
import { type AddOptions, add } from "./commands/add.ts";
import { coverageEnds, distribution, many } from "./commands/arguments.ts";
import { backupGroup } from "./commands/backup_group.ts";
import { createGroup } from "./commands/create_group.ts";
import { type DraftOptions, draft } from "./commands/draft.ts";
import { type FingerprintOptions, fingerprint } from "./commands/fingerprint.ts";
import { followGroup } from "./commands/follow_group.ts";
import { type InspectOptions, inspect } from "./commands/inspect.ts";
import { kernelsGroup } from "./commands/kernels_group.ts";
import { keysGroup } from "./commands/keys_group.ts";
import { publishGroup } from "./commands/publish_group.ts";
import { recallGroup } from "./commands/recall_group.ts";
import { rootGroup } from "./commands/root_group.ts";
import type { CommandGroup, Modes, RunCommand, RunInProcess } from "./commands/run.ts";
import { serveGroup } from "./commands/serve_group.ts";
import { terminalPrompt } from "./commands/terminal_prompt.ts";
import { tryGroup } from "./commands/try_group.ts";
import type { PublisherContext } from "./context.ts";

/** The part of a command's context that `run` does not provide. A test provides its own. */
export type ProcessContext = Pick<PublisherContext, "prompt" | "exitWith" | "self">;

const PROCESS: ProcessContext = {
  prompt: terminalPrompt,
  self: [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)],
  exitWith: (code) => {
    process.exitCode = code;
  },
};

const GROUPS: HelpGroups = {
  "Making updates:": ["create", "draft", "add", "try", "inspect", "fingerprint", "kernels"],
  "Publishing them:": ["push", "follow", "recall", "unrecall", "sign"],
  "Keys and the root of trust:": ["init", "keys", "root"],
  "Running a feed:": ["serve", "check-vars", "audit", "backup", "restore"],
  "Help:": [],
};

/** Builds the command line. `run` gives each action its context and turns what it throws into an exit code. */
export function program(version: string, run: RunInProcess, own: ProcessContext = PROCESS): Command {
  const root = new Command("rebootless-publish")
    .description("Makes updates for exact kernel builds, signs them and publishes them to a feed.")
    .version(version)
    .optionsGroup("Options of every command:")
    .option("--json", "print one JSON object to stdout", false)
    .option("-q, --quiet", "no progress on stderr", false)
    .addHelpText("after", exitCodesHelp("publisher"))
    .exitOverride();
  const runCommand: RunCommand = (name, self, action) =>
    run(name, self.optsWithGlobals<Modes>(), (base) =>
      action({ ...base, ...own, warn: (line) => base.terminal.notice(`warning: ${line}`) }),
    );
  const groups = [
    publishGroup,
    recallGroup,
    createGroup,
    tryGroup,
    kernelsGroup,
    followGroup,
    imageGroup,
    rootGroup,
    keysGroup,
    serveGroup,
    backupGroup,
  ];
  for (const group of groups) group(root, runCommand);
  groupHelp(root, GROUPS);
  usageErrors(root);
  return root;
}

/** Adds the commands that read kernels and modules and draft updates from them. */
const imageGroup: CommandGroup = (root, run) => {
  root
    .command("inspect <file>")
    .description("describe a kernel (image, package or folder) or a module, and what a live patch needs")
    .option("--image <file>", "the kernel that the module is for, to fingerprint what it replaces")
    .option(
      "--modules <path>",
      "where to find the modules that it changes: a .ko, a folder or a .deb (repeat)",
      many,
      [],
    )
    .action((file: string, options: InspectOptions, self: Command) =>
      run("inspect", self, (context) => inspect(context, file, options)),
    );
  root
    .command("fingerprint <image> [function...]")
    .description("compute what functions of a kernel must look like in memory")
    .option("-o, --output <file>", "write the fingerprints of the whole kernel to a new file")
    .option("--force", "replace existing files", false)
    .option(
      "--modules <path>",
      "fingerprint modules instead, into a folder: a .ko, a folder or a .deb (repeat)",
      many,
      [],
    )
    .action((image: string, names: string[], options: FingerprintOptions, self: Command) =>
      run("fingerprint", self, (context) => fingerprint(context, image, names, options)),
    );
  const drafting = root
    .command("draft")
    .description("make the draft of an update from a kernel image and a livepatch module")
    .requiredOption("--image <file>", "the kernel's vmlinuz or vmlinux, its package, or a folder")
    .requiredOption("--module <file>", "the livepatch module")
    .option(
      "--modules <path>",
      "where to find the modules that it changes: a .ko, a folder or a .deb (repeat)",
      many,
      [],
    )
    .requiredOption("-o, --output <file>", "where to write the draft: a new file")
    .option("--force", "replace existing files", false)
    .addOption(distribution())
    .addOption(coverageEnds());
  aboutUpdate(drafting).action((options: DraftOptions, self: Command) =>
    run("draft", self, (context) => draft(context, options)),
  );
  const adding = root
    .command("add <draft> <module>")
    .description("add another livepatch module for the same kernel, built by any tool, to a draft")
    .requiredOption("--image <file>", "the kernel's vmlinuz or vmlinux, its package, or a folder")
    .option(
      "--modules <path>",
      "where to find the modules that it changes: a .ko, a folder or a .deb (repeat)",
      many,
      [],
    );
  aboutUpdate(adding).action((path: string, module: string, options: AddOptions, self: Command) =>
    run("add", self, (context) => add(context, path, module, options)),
  );
};

/** Adds the options with which a person describes an update. */
const aboutUpdate = (command: Command): Command =>
  command
    .requiredOption("--id <id>", "the permanent name of the update: a-z 0-9 . -")
    .requiredOption("--summary <text>", "what it fixes, in one sentence")
    .option("--cve <number>", "a CVE that it fixes (repeat)", many, [])
    .option("--depends <id>", "an update that must be applied before (repeat)", many, [])
    .option("--conflicts <id>", "an update that must not be applied with it (repeat)", many, [])
    .option("--supersedes <id>", "an update that this one replaces (repeat)", many, [])
    .option("--replace", "the module is make an atomic replace, which removes every other live patch", false)
    .option("--rollout <hours>", "roll it out to the hosts evenly over this many hours")
    .option("--rollout-start <time>", "when the first hosts get it: 2026-01-31T06:00:00Z (default: now)")
    .option(
      "--effective <release>",
      "the release whose fixes a kernel has after this update and all earlier ones",
    );
