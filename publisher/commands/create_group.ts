import { type Command, Option } from "commander";
import { RebootlessError } from "../../shared/errors.ts";
import { count, coverageEnds, distribution, many } from "./arguments.ts";
import type { CreateOptions } from "./create_options.ts";
import { type PackageCacheOptions, withPackageCache } from "./kernels_options.ts";
import { optionArguments } from "./option_arguments.ts";
import type { CommandGroup } from "./run.ts";

const EXAMPLES = `
Examples:
  rebootless-publish create --patch fix.patch --source linux-source-6.1_6.1.192-1_all.deb \\
    --image linux-image-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb \\
    --headers linux-headers-6.1.0-55-cloud-amd64_6.1.192-1_amd64.deb -o fix/
  rebootless-publish create --check --patch fix.patch --source linux-6.1 --image / --headers /usr/src
  rebootless-publish create --series linux v6.1.190..v6.1.192 --source linux-6.1 --image / --headers /usr/src -o fixes/
  rebootless-publish create --patch fix.patch --kernels '6.1.*' --kernels '6.12.*' -o fixes/

Source, image and headers must have exactly the same version. docs/patch-authors.md explains what can be changed in a
running kernel.`;

/** Adds the command that makes updates from source patches. */
export const createGroup: CommandGroup = (root, run) => {
  const creating = root
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
    .option(
      "--cve-records <dir>",
      "a folder of CVE records, such as the kernel's CNA publishes, which name the fixes of a series",
    )
    .option("--source <path>", "the kernel's source: a tree, or the linux-source package")
    .option("--image <file>", "the kernel's vmlinuz or vmlinux, its package, or a folder")
    .option(
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
    .optionsGroup("Many kernels at once:")
    .option(
      "--kernels <pattern>",
      "make it for the kernels of the list with such a release or build ID, instead of one that you give (repeat)",
      many,
    )
    .option("--kernels-file <file>", "the list of kernels; see the command kernels", "kernels.toml");
  withPackageCache(creating)
    .optionsGroup("Output:")
    .option(
      "-o, --output <dir>",
      "a new folder for the module, its draft and the report; of many kernels, for a folder of each",
    )
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
    .action((options: GivenOptions, self: Command) =>
      run("create", self, async (context) => {
        // The code that compiles is a large part of this program. It is loaded here so that no other command has to.
        if (options.kernels !== undefined) {
          requireNone(self);
          const { createForKernels, OWN_OPTIONS } = await import("./create_kernels.ts");
          const { kernels } = options;
          return createForKernels(context, { ...options, kernels }, optionArguments(self, OWN_OPTIONS));
        }
        const { create } = await import("./create.ts");
        await create(context, oneKernel(options));
      }),
    );
};

/** The options as they are given: for one kernel, or for kernels of the list. */
type GivenOptions = Omit<CreateOptions, "source" | "image"> &
  Partial<Pick<CreateOptions, "source" | "image">> &
  PackageCacheOptions & { readonly kernels?: readonly string[]; readonly kernelsFile: string };

/** @throws RebootlessError `usage` if a part of the kernel is not given. */
function oneKernel({ source, image, ...options }: GivenOptions): CreateOptions {
  if (source !== undefined && image !== undefined && options.headers.length > 0)
    return { ...options, source, image };
  const missing = source === undefined ? "--source" : image === undefined ? "--image" : "--headers";
  throw new RebootlessError("usage", `${missing} is not given`, {
    hint: "A kernel is given by --source, --image and --headers; --kernels takes kernels of the list.",
  });
}

/** @throws RebootlessError `usage` if a part of a kernel is given, although the list has all of them. */
function requireNone(self: Command): void {
  const parts = ["source", "image", "headers", "modules"];
  const given = parts.find((name) => self.getOptionValueSource(name) === "cli");
  if (given === undefined) return;
  throw new RebootlessError("usage", `--kernels and --${given} exclude each other`, {
    hint: "The list of kernels has the packages of each kernel.",
  });
}
