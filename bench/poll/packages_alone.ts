import { Command } from "commander";

/*
 * The least that a poll can be with the packages that the host's command is made with: commander reads the command line,
 * node-fetch asks once, and nothing is done with the answer.
 */

const root = new Command("packages_alone");
root.argument("<url>").action(async (url: string) => {
  const { default: fetch } = await import("node-fetch");
  const response = await fetch(url, { headers: { "if-none-match": "*" }, redirect: "error" });
  response.body?.resume();
});
root.parse();
