import { commandTree } from "../../node/cli/command_tree.ts";
import { exitsOf } from "../../node/cli/exit_table.ts";
import { program } from "../../publisher/program.ts";
import type { About } from "../about.ts";
import { commandPage } from "./command_page.ts";
import { bold, item, paragraph, section } from "./roff.ts";

export const publisherTree = (version: string) => commandTree(program(version, async () => undefined));

const DESCRIPTION = [
  "`rebootless-publish` makes updates for exact kernel builds, signs them and publishes them to a feed. It reads the distribution's own kernel image to say what the code that an update replaces must look like in memory, and holds the keys that hosts trust.",
  "A feed's folder has the draft of what is published and the keys, sealed with passphrases. With several publishers each keeps a key of their own and signs what another proposes.",
];

const SOURCE_DATE =
  "Seconds since 1970: when `draft`, `add` and `create` say that an update was published, so that the same draft can be made again byte for byte.";

/** Writes rebootless-publish(1). */
export function publisherPage(about: About): string {
  return commandPage(publisherTree(about.version), {
    heading: { name: "rebootless-publish", section: 1, manual: "User Commands", ...about },
    purpose: "makes, signs and publishes live updates of Linux kernels",
    description: DESCRIPTION,
    exits: exitsOf("publisher"),
    more: [
      section("ENVIRONMENT", item(bold("SOURCE_DATE_EPOCH"), SOURCE_DATE)),
      section("SEE ALSO", paragraph("`rebootless`(8), `rebootless.toml`(5)")),
    ],
  });
}
