import type { Command } from "commander";
import { days, manyKernels, ofRole, ownerOf, parseFeedUrl, withConsent, withKeys } from "./arguments.ts";
import { rootFetch } from "./root_fetch.ts";
import { type RootProposeOptions, rootPropose } from "./root_propose.ts";
import { type RootPublishOptions, rootPublish } from "./root_publish.ts";
import { type RootRenewOptions, rootRenew } from "./root_renew.ts";
import { type RootStatusOptions, rootStatus } from "./root_status.ts";
import type { CommandGroup } from "./run.ts";

const EXPIRES = 'when it expires: "in 90 days", "in 6 weeks", "in 1 year", or a date';
const CEREMONY = `
A ceremony: propose on one machine, \`rebootless-publish sign FILE --key KEY\` on each signer's, publish on one.
`;

export const rootGroup: CommandGroup = (program, run) => {
  const root = program
    .command("root")
    .description("look after the root of trust: who may sign what")
    .addHelpText("after", CEREMONY);
  root
    .command("propose <dir>")
    .description("make a signing request for the next root, or for the first")
    .requiredOption("-o, --output <file>", "where to write the request")
    .option("--add-key <role=file>", "give a role to a public key (repeat)", ofRole, [])
    .option(
      "--remove-key <role=keyid>",
      "take a role from a key: 8 digits of its id, or its owner (repeat)",
      ofRole,
      [],
    )
    .option("--owner <keyid=name>", "say whose a key is, for people who compare keys (repeat)", ownerOf, [])
    .option("--threshold <role=n>", "how many keys of a role must sign (repeat)", ofRole, [])
    .option("--expires <when>", `${EXPIRES} (default: in 365 days)`)
    .option("--allow-shared-keys", "let a key be offline and online at once", false)
    .action((dir: string, options: RootProposeOptions, self: Command) =>
      run("root propose", self, (context) => rootPropose(context, dir, options)),
    );
  withKeys(root.command("publish <dir> <request>"))
    .description("publish a root that enough have signed; the first is written with the edge's secrets")
    .option("--feed <url>", "address of the feed; the first root has none yet", parseFeedUrl)
    .action((dir: string, file: string, options: RootPublishOptions, self: Command) =>
      run("root publish", self, (context) => rootPublish(context, dir, file, options)),
    );
  root
    .command("status <dir>")
    .description("say who may sign, which keys are here, and what expires soon")
    .option("--feed <url>", "look at the feed too", parseFeedUrl)
    .option(
      "--kernel <build-id>",
      "look at this kernel's targets too; needs --feed (repeat)",
      manyKernels,
      [],
    )
    .option("--within <days>", "what counts as soon", days, 30)
    .option("--exit-code", "end with 8 when something expires soon: for cron", false)
    .action((dir: string, options: RootStatusOptions, self: Command) =>
      run("root status", self, (context) => rootStatus(context, dir, options)),
    );
  root
    .command("fetch <dir>")
    .description("take in the roots that others published since, each verified by the one before")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .action((dir: string, options: { feed: string }, self: Command) =>
      run("root fetch", self, (context) => rootFetch(context, dir, options)),
    );
  withConsent(withKeys(root.command("renew <dir>")))
    .description("propose, sign with the keys at hand, and publish: the same keys and a new expiry")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .option("--expires <when>", `${EXPIRES} (default: in 365 days)`)
    .action((dir: string, options: RootRenewOptions, self: Command) =>
      run("root renew", self, (context) => rootRenew(context, dir, options)),
    );
};
