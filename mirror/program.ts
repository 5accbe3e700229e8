import type { Command } from "commander";
import { type Action, forOthers } from "../client/actions.ts";
import type { InventoryOptions } from "../client/commands/inventory.ts";
import type { MirrorExportOptions, MirrorImportOptions, MirrorStateOptions } from "./commands/carry.ts";
import type { MirrorResignOptions } from "./commands/resign.ts";
import type { MirrorServeOptions } from "./commands/serve.ts";
import type { MirrorSyncOptions } from "./commands/sync.ts";

type Run = (name: string, self: Command, action: Action) => Promise<void>;

const mirroring = () => import("./commands/mirroring.ts");

const many = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
const examples = (...lines: readonly string[]): string =>
  ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n");

/** What keeps a copy of a feed, and carries one over a gap. None of it changes the host that it runs on. */
export function mirrorCommands(root: Command, run: Run): void {
  /** What comes into the copy is for whoever serves it. */
  const fill: Run = (name, self, action) => run(name, self, forOthers(action));
  const mirror = root.command("mirror").description("keep a copy of a feed for hosts without internet");
  mirror
    .command("sync <feed> <dir>")
    .description("bring a copy up to date: everything is verified, and what changed is fetched")
    .option("--root <file>", "root of trust, had from the publisher by a way you trust; the first time")
    .optionsGroup("Which kernels, the same from then on:")
    .option("--all", "all kernels of the feed")
    .option("--kernel <build-id...>", "these kernels")
    .option("--release <pattern>", "kernels by `uname -r`, such as 6.1.*-cloud-amd64 (repeat)", many)
    .option("--distribution <pattern>", "kernels by distribution, such as 'Debian *' (repeat)", many)
    .option("--for <file...>", "kernels of these hosts: lines of `rebootless inventory`")
    .optionsGroup("Options:")
    .option("--keep <policy>", "remove what is old: 3 (versions of each file) or 30d")
    .option("--renew-within <time>", "ask anew for what expires within this time (else 84h)")
    .option("--accept-stale <time>", "take metadata that expired this long ago: 90m, 36h, 14d")
    .addHelpText(
      "after",
      examples(
        "rebootless mirror sync https://feed.example.org/ /srv/mirror --root root.json --release '6.1.*'",
        "rebootless mirror sync https://feed.example.org/ /srv/mirror      # the same choice, from then on",
        "rebootless mirror sync /media/stick /srv/mirror --for hosts.txt",
      ),
    )
    .action((feed: string, dir: string, options: MirrorSyncOptions, self: Command) =>
      fill("mirror sync", self, async (context) => {
        const { mirrorSync } = await mirroring();
        await mirrorSync(context, feed, dir, options);
      }),
    );
  mirror
    .command("verify <dir>")
    .description("look at every file of a copy, offline, and name what is damaged, missing or foreign")
    .addHelpText(
      "after",
      examples("rebootless mirror verify /srv/mirror", "rebootless mirror verify /media/stick --json"),
    )
    .action((dir: string, _: object, self: Command) =>
      run("mirror verify", self, async (context) => {
        const { mirrorVerify } = await mirroring();
        await mirrorVerify(context, dir);
      }),
    );
  mirror
    .command("serve <dir>")
    .description("serve a copy to hosts over HTTP, by the paths of the feed")
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--port <number>", "0 for any that is free", "8080")
    .addHelpText("after", examples("rebootless mirror serve /srv/mirror --host 0.0.0.0 --port 80"))
    .action((dir: string, options: MirrorServeOptions, self: Command) =>
      run("mirror serve", self, async (context) => {
        const { mirrorServe } = await mirroring();
        await mirrorServe(context, dir, options);
      }),
    );
  mirror
    .command("state <dir>")
    .description("write what a copy has, in short, to be carried to where a transfer is made")
    .requiredOption("-o, --output <file>", "where to write it: a new file")
    .option("--force", "replace what is there")
    .action((dir: string, options: MirrorStateOptions, self: Command) =>
      run("mirror state", self, async (context) => {
        const { mirrorState } = await mirroring();
        await mirrorState(context, dir, options);
      }),
    );
  mirror
    .command("export <dir>")
    .description("write what another copy lacks into one file, to be carried over a gap")
    .option("--since <state>", "what the other has, by `mirror state` (else: everything goes along)")
    .requiredOption("-o, --output <file>", "where to write it: a new file")
    .option("--force", "replace what is there")
    .option("--split <size>", "in parts FILE.001, FILE.002, … of at most this size: 1440k, 700M, 4G")
    .addHelpText(
      "after",
      examples(
        "rebootless mirror export /srv/mirror -o all.tar",
        "rebootless mirror export /srv/mirror --since site.state -o week-31.tar --split 4G",
      ),
    )
    .action((dir: string, options: MirrorExportOptions, self: Command) =>
      run("mirror export", self, async (context) => {
        const { mirrorExport } = await mirroring();
        await mirrorExport(context, dir, options);
      }),
    );
  mirror
    .command("import")
    .argument("<file-and-dir...>", "a transfer or all its parts in any order, then the folder of the copy")
    .description("take a transfer into a copy: all of it is verified first")
    .option("--root <file>", "root of trust, had from the publisher by a way you trust; the first time")
    .option("--accept-stale <time>", "take metadata that expired this long ago: 90m, 36h, 14d")
    .addHelpText(
      "after",
      examples(
        "rebootless mirror import all.tar /srv/mirror --root root.json",
        "rebootless mirror import week-31.tar.* /srv/mirror",
      ),
    )
    .action((things: string[], options: MirrorImportOptions, self: Command) =>
      fill("mirror import", self, async (context) => {
        const { mirrorImport } = await mirroring();
        await mirrorImport(context, things, options);
      }),
    );
  mirror
    .command("resign <dir>")
    .description("sign a copy's timestamps again, with a key of the site's that the root of trust names")
    .requiredOption("--key <file>", "the private key, by `rebootless-publish keys export`")
    .option("--expires <time>", "how long they last, at most 90d and as long as the snapshot", "14d")
    .addHelpText("after", examples("rebootless mirror resign /srv/mirror --key site.jwk --expires 21d"))
    .action((dir: string, options: MirrorResignOptions, self: Command) =>
      fill("mirror resign", self, async (context) => {
        const { mirrorResign } = await mirroring();
        await mirrorResign(context, dir, options);
      }),
    );
  root
    .command("inventory")
    .description("print what this host needs, as one line to carry out of a site")
    .option("--qr", "as a code for a telephone's camera")
    .action((options: InventoryOptions, self: Command) =>
      run("inventory", self, async (context) => {
        const { inventory } = await mirroring();
        await inventory(context, options);
      }),
    );
}
