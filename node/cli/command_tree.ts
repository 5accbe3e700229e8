import type { Command, Option } from "commander";

/** A command line as data, from which manual pages and completions are made. */
export interface CommandTree {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly Placeholder[];
  readonly options: readonly OptionEntry[];
  readonly commands: readonly CommandTree[];
}

/** An argument, or the value of an option, which the user fills in. */
export interface Placeholder {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly variadic: boolean;
  /** The only words that are allowed here. It is empty if any word is. */
  readonly choices: readonly string[];
  /** The topic by which `complete`, a hidden command of the program, lists the words that fit here. */
  readonly asks: string | undefined;
}

export interface OptionEntry {
  /** One or both of the short and the long flag (`-q`, `--quiet`), in this order. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly value: Placeholder | undefined;
  readonly mandatory: boolean;
  /** The default, if there is one that tells the user something. */
  readonly defaultValue: string | undefined;
}

const HELP: OptionEntry = {
  flags: ["-h", "--help"],
  description: "display help for command",
  value: undefined,
  mandatory: false,
  defaultValue: undefined,
};

/** The hidden command that shells run to get words. The choices of its first argument are the topics that it knows. */
export const COMPLETE = "complete";

export function commandTree(command: Command): CommandTree {
  const [what] = command.commands.find((one) => one.name() === COMPLETE)?.registeredArguments ?? [];
  return treeOf(command, new Set(what?.argChoices));
}

/**
 * Makes the tree of a command.
 *
 * @param asked the topics that `complete` knows of this command, its options and the commands right below it.
 */
function treeOf(command: Command, asked: ReadonlySet<string>, own = new Set<string>()): CommandTree {
  const visible = new Set(command.createHelp().visibleCommands(command));
  const name = command.name();
  return {
    name,
    description: command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      required: argument.required,
      variadic: argument.variadic,
      choices: argument.argChoices ?? [],
      asks: own.has(name) ? name : undefined,
    })),
    options: [...command.options.map((option) => optionEntry(option, asked)), HELP],
    commands: command.commands
      .filter((one) => visible.has(one))
      .map((one) => treeOf(one, new Set(), new Set(asked)))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Flags are written `-q, --quiet`, `--feed <url>` or `-r`. */
function optionEntry(option: Option, asked: ReadonlySet<string>): OptionEntry {
  const [, written, open, name] =
    /^((?:-\w|(?:-\w, )?--[\w-]+))(?: ([<[])([\w=-]+)(?:\.\.\.)?[>\]])?$/.exec(option.flags) ?? [];
  if (written === undefined)
    throw new Error(`flags of another form than "-q, --quiet <value>": ${option.flags}`);
  const long = written.replace(/^.*--/, "");
  const asks = asked.has(long) ? long : undefined;
  const value = name === undefined ? undefined : { ...valuePlaceholder(option, name, open === "<"), asks };
  return {
    flags: written.split(", "),
    description: option.description,
    value,
    mandatory: option.mandatory,
    defaultValue: typeof option.defaultValue === "string" ? option.defaultValue : undefined,
  };
}

const valuePlaceholder = (option: Option, name: string, required: boolean): Omit<Placeholder, "asks"> => ({
  name,
  description: "",
  required,
  variadic: option.variadic,
  choices: option.argChoices ?? [],
});

/** The names of placeholders whose words can be the paths of files. */
const FILES: ReadonlySet<string> = new Set(["file", "image", "request", "draft", "what", "core"]);

export function pathsFor(placeholder: Placeholder): "files" | "folders" | undefined {
  if (placeholder.name === "dir") return "folders";
  return FILES.has(placeholder.name) ? "files" : undefined;
}

/** Writes a placeholder as usage lines do. */
export function placeholderText({ name, required, variadic }: Placeholder): string {
  const text = variadic ? `${name}...` : name;
  return required ? `<${text}>` : `[${text}]`;
}

/** Lists every command that can be run, with the words that lead to it. */
export function eachCommand(
  tree: CommandTree,
  path: readonly string[] = [],
): { readonly path: readonly string[]; readonly command: CommandTree }[] {
  const own = { path, command: tree };
  return [own, ...tree.commands.flatMap((command) => eachCommand(command, [...path, command.name]))];
}
