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
A ceremony: propose on one machine, run \`rebootless-publish sign FILE --key KEY\` on each signer's, and publish on one.
`;

export const rootGroup: CommandGroup = (program, run) => {
  const root = program
    .command("root")
    .description("manage the root of trust, which says who may sign what")
    .addHelpText("after", CEREMONY);
  root
    .command("propose <dir>")
    .description("make a signing request for the next root, or for the first")
    .requiredOption("-o, --output <file>", "where to write the request")
    .option("--add-key <role=file>", "give a role to a public key (repeat)", ofRole, [])
    .option(
      "--remove-key <role=keyid>",
      "take a role away from a key: 8 digits of its id, or its owner (repeat)",
      ofRole,
      [],
    )
    .option("--owner <keyid=name>", "state who owns a key, for people who compare keys (repeat)", ownerOf, [])
    .option("--threshold <role=n>", "how many keys of a role must sign (repeat)", ofRole, [])
    .option("--expires <when>", `${EXPIRES} (default: in 365 days)`)
    .option("--allow-shared-keys", "allow a key to be both offline and online", false)
    .action((dir: string, options: RootProposeOptions, self: Command) =>
      run("root propose", self, (context) => rootPropose(context, dir, options)),
    );
  withKeys(root.command("publish <dir> <request>"))
    .description(
      "publish a root that has enough signatures; the first one is written together with the edge's secrets",
    )
    .option("--feed <url>", "address of the feed (not for the first root)", parseFeedUrl)
    .action((dir: string, file: string, options: RootPublishOptions, self: Command) =>
      run("root publish", self, (context) => rootPublish(context, dir, file, options)),
    );
  root
    .command("status <dir>")
    .description("show who may sign, which keys are here, and what expires soon")
    .option("--feed <url>", "check the feed as well", parseFeedUrl)
    .option(
      "--kernel <build-id>",
      "check the targets of this kernel as well; needs --feed (repeat)",
      manyKernels,
      [],
    )
    .option("--within <days>", "how many days count as soon", days, 30)
    .option("--exit-code", "exit with code 8 if something expires soon, for cron", false)
    .action((dir: string, options: RootStatusOptions, self: Command) =>
      run("root status", self, (context) => rootStatus(context, dir, options)),
    );
  root
    .command("fetch <dir>")
    .description("fetch the roots that others have published since, each verified by the previous one")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .action((dir: string, options: { feed: string }, self: Command) =>
      run("root fetch", self, (context) => rootFetch(context, dir, options)),
    );
  withConsent(withKeys(root.command("renew <dir>")))
    .description("propose, sign and publish a root with the same keys and a new expiry, with the keys in DIR")
    .requiredOption("--feed <url>", "address of the feed", parseFeedUrl)
    .option("--expires <when>", `${EXPIRES} (default: in 365 days)`)
    .action((dir: string, options: RootRenewOptions, self: Command) =>
      run("root renew", self, (context) => rootRenew(context, dir, options)),
    );
};
