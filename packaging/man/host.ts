import { program } from "../../client/program.ts";
import { METRICS } from "../../client/report/metrics.ts";
import { mirrorTree } from "../../mirror/program.ts";
import { type CommandTree, commandTree } from "../../node/cli/command_tree.ts";
import { exitsOf } from "../../node/cli/exit_table.ts";
import { withSubprogram } from "../../node/cli/subprogram.ts";
import type { About } from "../about.ts";
import { commandPage } from "./command_page.ts";
import { bold, example, item, paragraph, section } from "./roff.ts";

/** Returns the host's command line with everything that belongs to it, including the mirror's commands. */
export function hostTree(version: string): CommandTree {
  const host = program(
    version,
    async () => undefined,
    () => {
      throw new Error("a page is made without running a command");
    },
  );
  return withSubprogram(commandTree(host), mirrorTree(version));
}

const DESCRIPTION = [
  "`rebootless` updates the kernel that runs, without a reboot. It asks a feed for updates of exactly this kernel, found by its build ID, verifies what it gets down to the root of trust that `rebootless init` was given, compares the code to be replaced with the code in memory, and loads the update as a live patch.",
  "Nothing is loaded that does not verify, and nothing that does not match. What is applied stays applied when the feed cannot be reached.",
  "Results go to standard output, everything else to standard error as lines that begin with `error:`, `hint:` or `warning:`. With `--json` standard output has one JSON object with a `schema` number.",
];

const FILES: readonly (readonly [path: string, meaning: string])[] = [
  ["/etc/rebootless/rebootless.toml", "Configuration, see `rebootless.toml`(5)."],
  ["/etc/rebootless/conf.d/*.toml", "More of it, which holds over that file."],
  ["/etc/rebootless/root.json", "The root of trust, written by `rebootless init`."],
  ["/etc/rebootless/disabled", "While this file exists, neither the timer nor the boot applies anything."],
  ["/var/lib/rebootless/", "What was verified and fetched, and the journal, by kernel build ID."],
  ["/run/rebootless/status.json", "The state as the last run saw it, for other programs."],
];

const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ["https_proxy, http_proxy, no_proxy", "Asked where the configuration says nothing about proxies."],
  ["SSL_CERT_FILE, NODE_EXTRA_CA_CERTS", "As Node takes them."],
  [
    "SOURCE_DATE_EPOCH",
    "Seconds since 1970: the time that `mirror export` and `mirror state` write down, so that the same can be made again byte for byte.",
  ],
];

const list = (entries: readonly (readonly [string, string])[]) =>
  entries.map(([term, meaning]) => item(bold(term), meaning)).join("");

/** Writes rebootless(8). */
export function hostPage(about: About): string {
  return commandPage(hostTree(about.version), {
    heading: { name: "rebootless", section: 8, manual: "System Administration", ...about },
    purpose: "updates the running Linux kernel without a reboot",
    description: DESCRIPTION,
    exits: exitsOf("host"),
    more: [
      section("FILES", list(FILES)),
      section("ENVIRONMENT", list(ENVIRONMENT)),
      section(
        "BOOT",
        paragraph(
          "Updates do not outlive a reboot. `rebootless-boot.service` runs `rebootless boot` before the network is up: it applies what was applied before, from what is kept and verified, without a request. It does not when the kernel's command line has `rebootless=off`, when `/etc/rebootless/disabled` exists, or when the unit is masked.",
        ),
      ),
      section(
        "METRICS",
        paragraph(
          "`rebootless metrics` prints these in the text format of Prometheus; with `metrics_file` set, each run writes them. What is not known is absent.",
        ),
        list(METRICS.map(({ name, labels, help }) => [[name, ...labels].join(" "), help] as const)),
      ),
      section(
        "EXAMPLES",
        example([
          "rebootless doctor",
          "rebootless init --feed https://feed.example.org/ --root root.json",
          "rebootless upgrade --dry-run",
          "rebootless upgrade",
        ]),
      ),
      section("SEE ALSO", paragraph("`rebootless.toml`(5), `rebootless-publish`(1), `insmod`(8)")),
    ],
  });
}
