import type { Command } from "commander";
import type { Action } from "./actions.ts";
import type { InventoryOptions } from "./commands/inventory.ts";
import type { MirrorServeOptions } from "./commands/mirror_serve.ts";
import type { MirrorSyncOptions } from "./commands/mirror_sync.ts";

type Run = (name: string, self: Command, action: Action) => Promise<void>;

const many = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
const examples = (...lines: readonly string[]): string =>
  ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n");

/** What keeps a copy of a feed, and carries one over a gap. None of it changes the host that it runs on. */
export function mirrorCommands(root: Command, run: Run): void {
  const mirror = root.command("mirror").description("keep a copy of a feed for hosts without internet");
  mirror
    .command("sync <feed> <dir>")
    .description("bring a copy up to date: everything is verified, and what changed is fetched")
    .option("--root <file>", "root of trust, had from the publisher by a way you trust; the first time")
    .option("--all", "all kernels of the feed")
    .option("--kernel <build-id...>", "these kernels")
    .option("--release <pattern>", "kernels by `uname -r`, such as 6.1.*-cloud-amd64 (repeat)", many)
    .option("--distribution <pattern>", "kernels by distribution, such as 'Debian *' (repeat)", many)
    .option("--for <file...>", "kernels of these hosts: lines of `rebootless inventory`")
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
      run("mirror sync", self, async (context) => {
        const { mirrorSync } = await import("./commands/mirroring.ts");
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
        const { mirrorVerify } = await import("./commands/mirroring.ts");
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
        const { mirrorServe } = await import("./commands/mirroring.ts");
        await mirrorServe(context, dir, options);
      }),
    );
  root
    .command("inventory")
    .description("print what this host needs, as one line to carry out of a site")
    .option("--qr", "as a code for a telephone's camera")
    .action((options: InventoryOptions, self: Command) =>
      run("inventory", self, async (context) => {
        const { inventory } = await import("./commands/mirroring.ts");
        await inventory(context, options);
      }),
    );
}
