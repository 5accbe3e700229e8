import { count, many } from "./arguments.ts";
import type { CreateOptions } from "./create.ts";
import type { CommandGroup } from "./run.ts";

const EXAMPLES = `
Examples:
  rebootless-publish create --patch fix.patch --source linux-source-6.1_6.1.192-1_all.deb \\
    --image linux-image-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb \\
    --headers linux-headers-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb \\
      linux-headers-6.1.0-55-common_6.1.192-1_all.deb -o fix/
  rebootless-publish create --check --patch fix.patch --source linux-6.1 --image / --headers /usr/src

Source, image and headers must be of the very same version. docs/patch-authors.md: what can be changed live.`;

/** Adds the command that makes updates from source patches. */
export const createGroup: CommandGroup = (root, run) => {
  root
    .command("create")
    .description("make an update from a source patch: livepatch module, fingerprints and draft")
    .optionsGroup("What it is made of:")
    .requiredOption("--patch <file>", "the fix, as diff -u or git diff make it")
    .requiredOption("--source <path>", "the kernel's source: a tree, or the linux-source package")
    .requiredOption("--image <file>", "the kernel's vmlinuz or vmlinux, its package, or a folder")
    .requiredOption(
      "--headers <path...>",
      "the linux-headers packages, Debian's both: folders or .deb files, in any order",
      many,
      [],
    )
    .option(
      "--modules <path...>",
      "where modules are that it changes: .ko files, folders, .deb files",
      many,
      [],
    )
    .option(
      "--hooks <file>",
      "C that runs around applying and undoing; for a module: MODULE=FILE (repeat)",
      many,
      [],
    )
    .optionsGroup("What becomes of it:")
    .option("-o, --output <dir>", "a new folder for the module, its draft and the report")
    .option("--check", "only say what the patch changes and whether that can be done live", false)
    .option("--name <name>", "the module's name (default: from the id)")
    .option("--replace", "an atomic replace: it takes out every other live patch", false)
    .option("--sign-key <file>", "an RSA key to sign the module with, for hosts that load no others")
    .option("--sign-cert <file>", "its certificate, which those hosts trust")
    .optionsGroup("What is said of the update:")
    .option("--id <id>", "the update's lasting name: a-z 0-9 . - (default: from the patch's name)")
    .option("--summary <text>", "what it mends, in a sentence (default: the patch's subject)")
    .option("--cve <number>", "a CVE that it fixes (repeat)", many, [])
    .option("--depends <id>", "an update that must be applied before (repeat)", many, [])
    .option("--conflicts <id>", "an update that must not be applied with it (repeat)", many, [])
    .option("--supersedes <id>", "an update that this one makes needless (repeat)", many, [])
    .option("--rollout <hours>", "let it reach the hosts evenly over so many hours")
    .option("--rollout-start <time>", "when the first hosts get it: 2026-01-31T06:00:00Z (else: now)")
    .option(
      "--effective <release>",
      "the release whose fixes a kernel has with this update and all before it",
    )
    .option("--distribution <name>", 'whose kernel it is, such as "Debian 12" (else: what its banner says)')
    .option("--coverage-ends <time>", "when updates for this kernel end: 2027-06-30T00:00:00Z")
    .optionsGroup("Options:")
    .option("--fuzz", "let patch(1) place hunks whose surroundings differ", false)
    .option("--force-compiler", "go on with another compiler than the kernel's", false)
    .option("-j, --jobs <n>", "compilers that run at a time (default: one for each processor)", count)
    .option(
      "--cache <dir>",
      "where prepared trees and objects are kept (default: $XDG_CACHE_HOME/rebootless/create)",
    )
    .addHelpText("after", EXAMPLES)
    .action((options: CreateOptions, self) =>
      run("create", self, async (context) => {
        // The code that compiles is a large part of this program. It is loaded here so that no other command has to.
        const { create } = await import("./create.ts");
        await create(context, options);
      }),
    );
};
