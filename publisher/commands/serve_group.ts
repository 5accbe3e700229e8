import type { Command } from "commander";
import { manyKernels, parseFeedUrl, withKeys } from "./arguments.ts";
import { type AuditOptions, audit } from "./audit.ts";
import { checkVarsFile } from "./check_vars.ts";
import type { CommandGroup } from "./run.ts";
import { type ServeCommandOptions, serveFeed } from "./serve.ts";

/** Adds the commands that serve a feed without Cloudflare, check the edge's variables, and show the audit log. */
export const serveGroup: CommandGroup = (root, run) => {
  withKeys(root.command("audit <dir>"))
    .description("show who published what to a feed, and verify that its log was not changed")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .option("--since <time>", "show only newer entries: 2026-01-31, or 2026-01-31T06:00:00Z")
    .option("--kernel <build-id>", "show only entries for this kernel (repeat)", manyKernels, [])
    .option("--known <sha256>", "the digest of an entry that you noted, which the log must still contain")
    .action((dir: string, options: AuditOptions, self: Command) =>
      run("audit", self, (context) => audit(context, dir, options)),
    );
  root
    .command("serve")
    .description("serve a feed from a folder with the same edge, on your own machine")
    .requiredOption("--data <dir>", "where the feed is kept")
    .requiredOption("--vars <file>", "the edge's keys and publishers: edge.vars of a publisher's folder")
    .option("--host <address>", "the address to listen on", "127.0.0.1")
    .option("--port <number>", "the port to listen on; 0 for any free one", "8787")
    .option("--url <url>", "the public address of the feed, if it is behind a proxy")
    .action((options: ServeCommandOptions, self: Command) =>
      run("serve", self, (context) => serveFeed(context, options)),
    );
  root
    .command("check-vars <file>")
    .description("check the edge's keys and publishers in the way the edge will, before they are deployed")
    .action((file: string, _: unknown, self: Command) =>
      run("check-vars", self, (context) => checkVarsFile(context, file)),
    );
};
