import type { Command } from "commander";
import type { CommandGroup } from "./run.ts";
import { type ServeOptions, serve } from "./serve.ts";

/** Where a feed is served without Cloudflare. */
export const serveGroup: CommandGroup = (root, run) => {
  root
    .command("serve")
    .description("serve a feed from a folder: the same edge, on a machine of your own")
    .requiredOption("--data <dir>", "where the feed is kept")
    .requiredOption("--vars <file>", "the edge's keys and publishers: edge.vars of a workspace")
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--port <number>", "0 for any that is free", "8787")
    .option("--url <url>", "the feed's address as the world knows it, behind a proxy")
    .action((options: ServeOptions, self: Command) =>
      run("serve", self, (context) => serve(context, options)),
    );
};
