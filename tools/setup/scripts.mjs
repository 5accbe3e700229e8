import { parseArgs } from "node:util";
import { SetupError } from "./run.mjs";

/*
 * This table describes the arguments of `npm run NAME -- ARGUMENT...`, for every script that tools/setup.mjs runs.
 *
 * summary   the purpose of the script, in a sentence or two
 * options   by name: { value: the name of the option's value (none for a flag), help }
 * operands  by name, in order: the meaning of each; a name that ends in `...` may be given any number of times
 * rest      the purpose of any further arguments, if another program checks them
 */

const RANDOM = { value: "NUMBER", help: "other random points than with 1" };
const SERIES = { value: "SERIES", help: "on this series of kernels alone, such as 6.1" };
const ROUNDS = "how often each is measured";
const KERNELS = "how many kernels the feed has (20000)";

export const SCRIPTS = {
  demo: {
    summary:
      "Shows the whole job: a public fix becomes an update, is tried, signed and pushed, and a stock Debian kernel in QEMU takes it while it runs.",
  },
  dev: {
    summary:
      "Starts an edge in workerd with a few kernels in it, to look at, until Ctrl-C; then removes all of it.",
    options: { port: { value: "N", help: "where it listens (8787, or any that is free)" } },
  },
  test: {
    summary:
      "Fetches what the tests need and runs them: type check, lint, build, unit tests and booted kernels.",
    rest: "for vitest: files, -t NAME",
  },
  build: { summary: "Bundles each command into dist, and proves what is in the bundles." },
  package: {
    summary: "Makes dist/*.deb, dist/*.rpm, dist/*.tar.gz and dist/man.",
    operands: { "FORMAT...": "only these: deb, rpm (which makes the tarball too), tarball" },
  },
  "proof:attacks": {
    summary:
      "Plays attacks against the built client, edge and mirror. Root only. The last line on stdout is JSON.",
    operands: { "WORD...": "only attacks that have one of these in their names" },
  },
  "proof:create": {
    summary:
      "Makes an update of each file that two versions of the distribution's kernel source differ in, and loads, uses and undoes each.",
    options: {
      from: { value: "VERSION", help: "the older version of the source package" },
      to: { value: "VERSION", help: "the newer one" },
      limit: { value: "N", help: "so many files, evenly spread" },
      series: {
        value: "SERIES",
        help: "the newest two versions of this series, such as 6.12; of 7.2, 7.3 the newest one, with small changes of our own",
      },
      roots: { help: "with --series: only the making of a build root, and what programs can do in it" },
      kinds: { help: "small changes of our own instead, each of another kind, on 6.1 and 6.12" },
      only: { value: "NAME", help: "kinds that have this in their names" },
    },
  },
  "proof:edge": {
    summary:
      "Plays in workerd what `npm test` has a small part of: crashes, clocks, a rush, hostile requests.",
    rest: "for vitest: -t NAME",
  },
  "proof:fresh": { summary: "Runs the README's two commands in a bare Debian root. Root only." },
  "proof:guest": {
    summary: "Plays on booted kernels what goes wrong on hosts.",
    options: { kernel: SERIES, seed: RANDOM },
    operands: { "SCENARIO...": "only these, by their names" },
  },
  "proof:mirror": {
    summary: "Kills syncs, damages files, watches sockets, and boots a host behind an air gap.",
    options: { kernel: SERIES, seed: RANDOM },
    operands: { "PART...": "only these: killed, damage, sockets, guest" },
  },
  "proof:package": {
    summary: "Installs, removes and purges the packages in Debian roots, and boots one. Root only.",
  },
  "proof:runpre": {
    summary:
      "Boots one kernel of each series of Debian and more, in many configurations, and checks all functions, flipped bits, modules and what is attached. An hour; goes on where it was stopped.",
    options: {
      quick: { help: "a few configurations" },
      full: { help: "every configuration on three kernels, not on one of them in turn" },
      kernel: { value: "VERSION", help: "kernels that have this in their version" },
      only: { value: "NAME", help: "configurations that have this in their name" },
      part: { value: "PART", help: "boots, bits, modules or activities (repeat; all of them)" },
      flips: { value: "COUNT", help: "how many bits are changed anywhere" },
      seed: RANDOM,
      guests: { value: "COUNT", help: "how many are booted at a time" },
      anew: { help: "forgets what earlier runs have shown" },
    },
  },
  "proof:selftests": {
    summary: "Runs the livepatch tests of Linux, with their loading and unloading done by the host's client.",
    options: { unrouted: { help: "runs them as they are" } },
  },
  "proof:series": {
    summary:
      "Runs the host's commands on one booted kernel of each series of Debian. Goes on where it was stopped.",
    options: { kernel: SERIES, anew: { help: "forgets what earlier runs have shown" } },
  },
  "proof:supply": {
    summary:
      "Makes updates of single CVE fixes and of whole steps of the distribution's source, tries them on booted kernels, and kills runs of follow. Many hours; goes on where it was stopped. The last line on stdout is JSON.",
    options: {
      part: { value: "PART", help: "cve, steps or follow (repeat; all of them)" },
      series: { value: "SERIES", help: "steps of this series alone, such as 6.12" },
      anew: { help: "forgets what earlier runs have shown" },
    },
  },
  "proof:tools": {
    summary:
      "Builds a small kernel and livepatch modules with kbuild, kpatch-build and klp-build in a Debian root, drafts, loads and undoes each. Root only; an hour, and what is built is kept.",
  },
  "bench:edge": {
    summary: "Measures what a poll costs the edge, beside a constant Worker and nginx.",
    operands: { ROUNDS, SECONDS: "how long each of them takes" },
  },
  "bench:mirror": {
    summary: "Measures a sync of 20,000 kernels, beside rsync.",
    operands: { KERNELS, CHANGED: "how many of them change (100)" },
  },
  "bench:create": {
    summary:
      "Measures a patch's way to a module, beside the bare compilation, and to those of several kernels, together and one by one.",
    operands: { ROUNDS, KERNELS: "how many kernels (4)" },
  },
  "bench:runpre": {
    summary: "Measures `verify --kernel`, beside a process that reads and digests the same bytes.",
    operands: { ROUNDS },
  },
  "bench:publish": {
    summary: "Measures what it costs to push an update to 20,000 kernels, to `serve` and to the Worker.",
    operands: { KERNELS, EDGE: "only this one: serve or workerd" },
  },
  "bench:poll": {
    summary:
      "Measures a poll over HTTPS and HTTP, beside tuf-js and a bare request of Node. Root only. The last line is JSON.",
    options: {
      before: { value: "DIST", help: "also measures the client in this other dist folder (repeat)" },
    },
    operands: { KERNELS, ROUNDS },
  },
  "bench:heavy": {
    summary: "Looks for the answer of a feed that takes the most memory of a host. Root only.",
  },
};

/** An error in a command line. */
export class UsageError extends SetupError {
  exitCode = 2;
}

/** Returns the table of scripts, or the help of one script. */
export function helpText(name) {
  if (name === undefined) {
    const lines = Object.entries(SCRIPTS).map(([script, { summary }]) => `  ${script.padEnd(16)} ${summary}`);
    return ["npm run SCRIPT -- --help tells what a script takes.", "", ...lines].join("\n");
  }
  const { summary, options = {}, operands = {}, rest } = SCRIPTS[name];
  const flags = Object.entries(options).map(([option, { value, help }]) => [
    `--${option}${value === undefined ? "" : ` ${value}`}`,
    help,
  ]);
  const words = [
    ...(flags.length > 0 ? ["[OPTION...]"] : []),
    ...Object.keys(operands).map((operand) => `[${operand}]`),
    ...(rest === undefined ? [] : ["[ARGUMENT...]"]),
  ];
  const rows = [
    ...flags,
    ...Object.entries(operands),
    ...(rest === undefined ? [] : [["ARGUMENT...", rest]]),
    ["--help", "this, and nothing is done"],
  ];
  const usage = `Usage: npm run ${name}${words.length > 0 ? ` -- ${words.join(" ")}` : ""}`;
  return [usage, "", summary, "", ...rows.map(([term, help]) => `  ${term.padEnd(18)} ${help}`)].join("\n");
}

/**
 * Tells whether help is asked for.
 *
 * @throws UsageError for a script, an option or an operand that does not exist.
 */
export function asksForHelp(name, args) {
  if (name === undefined || name === "--help" || name === "-h") return true;
  if (!Object.hasOwn(SCRIPTS, name))
    throw new UsageError(`no such script: ${name}`, `One of: ${Object.keys(SCRIPTS).join(", ")}`);
  const { options = {}, operands = {}, rest } = SCRIPTS[name];
  if (args.includes("--help") || args.includes("-h")) return true;
  if (rest !== undefined) return false;
  const hint = `\`npm run ${name} -- --help\` tells what it takes.`;
  const types = Object.entries(options).map(([option, { value }]) => [
    option,
    { type: value === undefined ? "boolean" : "string", multiple: true },
  ]);
  let positionals;
  try {
    ({ positionals } = parseArgs({ args, allowPositionals: true, options: Object.fromEntries(types) }));
  } catch (error) {
    throw new UsageError(error.message.split(". ")[0], hint);
  }
  const names = Object.keys(operands);
  const most = names.some((operand) => operand.endsWith("...")) ? Number.POSITIVE_INFINITY : names.length;
  if (positionals.length > most) throw new UsageError(`more than it takes: ${positionals[most]}`, hint);
  return false;
}
