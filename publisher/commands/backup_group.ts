import type { Command } from "commander";
import { backUp } from "../../mirror/backup.ts";
import { MirrorDir } from "../../mirror/mirror_dir.ts";
import { Upstream } from "../../mirror/upstream.ts";
import { readNamed } from "../../node/files.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { jsonObject } from "../../shared/json.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import type { PublisherContext } from "../context.ts";
import { edgeClient, edgeReader } from "../feed/edge_client.ts";
import { edgeFeed } from "../feed/edge_feed.ts";
import { openPublisherFolder } from "../feed/publisher_folder.ts";
import { restore } from "../feed/restore.ts";
import { parseFeedUrl, withKeys } from "./arguments.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import type { CommandGroup } from "./run.ts";

interface BackupOptions {
  readonly feed: string;
  readonly root: string;
}

interface RestoreOptions extends OpenKeysOptions {
  readonly feed: string;
}

/** Adds the commands that back up and restore a whole feed. */
export const backupGroup: CommandGroup = (root, run) => {
  root
    .command("backup <folder>")
    .description("back up a feed: bring a mirror of all of it up to date, with what was in force before")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .requiredOption("--root <file>", "a root of trust that you hold, of any version")
    .action((folder: string, options: BackupOptions, self: Command) =>
      run("backup", self, (context) => runBackup(context, folder, options)),
    );
  withKeys(root.command("restore <dir> <folder>"))
    .description(
      "restore a feed from a backup, as the publisher of DIR; nothing is replaced by something older",
    )
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .action((dir: string, folder: string, options: RestoreOptions, self: Command) =>
      run("restore", self, (context) => runRestore(context, dir, folder, options)),
    );
};

async function runBackup(
  { terminal }: PublisherContext,
  folder: string,
  { feed, root }: BackupOptions,
): Promise<void> {
  const { kernels, changed, bytes } = await backUp({
    dir: new MirrorDir(folder),
    upstream: new Upstream(edgeFeed(feed, edgeReader(feed))),
    root: await readNamed(root, MAX_ROOT_BYTES),
    progress: terminal.progress,
  });
  terminal.say(
    `backup     ${counted(kernels, "kernel")}, each verified; ${changed} had changed, ${counted(bytes, "byte")} fetched`,
  );
  terminal.result("backup", { kernels, changed, bytes });
}

async function runRestore(
  context: PublisherContext,
  dir: string,
  folder: string,
  options: RestoreOptions,
): Promise<void> {
  const { terminal, clock } = context;
  const publisher = await openPublisherFolder(dir, keyringOf(context, options));
  const edge = edgeClient(options.feed, publisher, clock);
  const { kernels, restored, kept, faults } = await restore(edge, folder, terminal.progress);
  terminal.say(
    `restored   ${restored} of ${counted(kernels, "kernel")}; the feed has ${kept} as new or newer`,
  );
  const [first] = faults;
  if (!first) return terminal.result("restore", { kernels, restored, kept });
  throw new RebootlessError(first.error.code, `not restored: ${counted(faults.length, "kernel")}`, {
    cause: first.error,
    hint: "Sign again what has expired, or was signed by keys that no longer count: push DIR DRAFT --replace.",
    answer: {
      kernels,
      restored,
      kept,
      failed: faults.map(({ buildId, error }) =>
        jsonObject({ build_id: buildId, code: error.code, message: error.message }),
      ),
    },
  });
}
