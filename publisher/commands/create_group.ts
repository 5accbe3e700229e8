import { Option } from "commander";
import { count, coverageEnds, distribution, many } from "./arguments.ts";
import type { CreateOptions } from "./create_options.ts";
import type { CommandGroup } from "./run.ts";

const EXAMPLES = `
Examples:
  rebootless-publish create --patch fix.patch --source linux-source-6.1_6.1.192-1_all.deb \\
    --image linux-image-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb \\
    --headers linux-headers-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb -o fix/
  rebootless-publish create --check --patch fix.patch --source linux-6.1 --image / --headers /usr/src
  rebootless-publish create --series linux v6.1.190..v6.1.192 --source linux-6.1 --image / --headers /usr/src -o fixes/

Source, image and headers must have exactly the same version. docs/patch-authors.md explains what can be changed in a
running kernel.`;

/** Adds the command that makes updates from source patches. */
export const createGroup: CommandGroup = (root, run) => {
  root
    .command("create")
    .description("make an update from a source patch: livepatch module, fingerprints and draft")
    .optionsGroup("Input:")
    .option(
      "--patch <file>",
      "the fix, as made by diff -u, git diff or git format-patch (repeat, in order)",
      many,
    )
    .option(
      "--series <source...>",
      "many fixes, of which as many as can be live become one update: a folder or a file of patches, REPO A..B of a local clone, or FROM..TO of two sources",
    )
    .requiredOption("--source <path>", "the kernel's source: a tree, or the linux-source package")
    .requiredOption("--image <file>", "the kernel's vmlinuz or vmlinux, its package, or a folder")
    .requiredOption(
      "--headers <path...>",
      "the kernel's linux-headers package, as a folder or .deb file; -common is not needed",
      many,
      [],
    )
    .option(
      "--modules <path...>",
      "where to find the modules that it changes: .ko files, folders or .deb files",
      many,
      [],
    )
    .option(
      "--hooks <file>",
      "C code that runs before and after applying and undoing; for a module: MODULE=FILE (repeat)",
      many,
      [],
    )
    .option(
      "--layout-ok <type>",
      "let the layout of a structure, union or enum change: no object of it exists from before (repeat)",
      many,
      [],
    )
    .optionsGroup("Output:")
    .option("-o, --output <dir>", "a new folder for the module, its draft and the report")
    .option(
      "--check",
      "only report what the patch changes, and whether that can be applied to a running kernel",
      false,
    )
    .option("--explain", "show the lines of the source that each refusal is about", false)
    .addOption(
      new Option(
        "--report <form>",
        "write the report as a page too, with the functions before and after, for a browser",
      ).choices(["html"]),
    )
    .option("--name <name>", "the module's name (default: from the id)")
    .option("--replace", "make an atomic replace, which removes every other live patch", false)
    .option("--sign-key <file>", "an RSA key to sign the module, for hosts that load only signed modules")
    .option("--sign-cert <file>", "the certificate of that key, which those hosts trust")
    .optionsGroup("Description of the update:")
    .option(
      "--id <id>",
      "the permanent name of the update: a-z 0-9 . - (default: from the patch's file name)",
    )
    .option("--summary <text>", "what it fixes, in one sentence (default: the patch's subject)")
    .option("--cve <number>", "a CVE that it fixes (repeat)", many, [])
    .option("--depends <id>", "an update that must be applied before (repeat)", many, [])
    .option("--conflicts <id>", "an update that must not be applied with it (repeat)", many, [])
    .option("--supersedes <id>", "an update that this one replaces (repeat)", many, [])
    .option("--rollout <hours>", "roll it out to the hosts evenly over this many hours")
    .option("--rollout-start <time>", "when the first hosts get it: 2026-01-31T06:00:00Z (default: now)")
    .option(
      "--effective <release>",
      "the release whose fixes a kernel has after this update and all earlier ones",
    )
    .addOption(distribution())
    .addOption(coverageEnds())
    .optionsGroup("Options:")
    .option("--fuzz", "let patch(1) apply hunks whose context differs", false)
    .option("--force-compiler", "continue with another compiler than the kernel's", false)
    .option(
      "--root [suite]",
      "compile in a build root of this suite, which is made once (default: where apt has the kernel's compiler)",
    )
    .option(
      "--builder <command>",
      "compile by this command, to which each program and its arguments are appended: podman exec build",
    )
    .option("-j, --jobs <n>", "how many compilers run at a time (default: one for each processor)", count)
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
