import type { Command, Option } from "commander";

/** A command line as data: what man pages and completions are made from. */
export interface CommandTree {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly Placeholder[];
  readonly options: readonly OptionEntry[];
  readonly commands: readonly CommandTree[];
}

/** Something to be put in by whoever types. */
export interface Placeholder {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly variadic: boolean;
  /** The only words that it may be; empty where it may be any. */
  readonly choices: readonly string[];
  /** What `complete`, a hidden command of the program, is asked for to learn words that it may be. */
  readonly asks: string | undefined;
}

export interface OptionEntry {
  /** `-q`, `--quiet`: one of them or both, in this order. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly value: Placeholder | undefined;
  readonly mandatory: boolean;
  /** Where there is one that says something. */
  readonly defaultValue: string | undefined;
}

const HELP: OptionEntry = {
  flags: ["-h", "--help"],
  description: "display help for command",
  value: undefined,
  mandatory: false,
  defaultValue: undefined,
};

/** The hidden command that shells ask for words; its first argument's choices are what it may be asked for. */
export const COMPLETE = "complete";

export function commandTree(command: Command): CommandTree {
  const [what] = command.commands.find((one) => one.name() === COMPLETE)?.registeredArguments ?? [];
  return treeOf(command, new Set(what?.argChoices));
}

/** @param asked what `complete` knows of this command, its options and the commands right below it. */
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

/** Placeholders whose names say that a path of a file fits. */
const FILES: ReadonlySet<string> = new Set(["file", "image", "request", "draft", "what", "core"]);

export function pathsFor(placeholder: Placeholder): "files" | "folders" | undefined {
  if (placeholder.name === "dir") return "folders";
  return FILES.has(placeholder.name) ? "files" : undefined;
}

/** As usage lines write it. */
export function placeholderText({ name, required, variadic }: Placeholder): string {
  const text = variadic ? `${name}...` : name;
  return required ? `<${text}>` : `[${text}]`;
}

/** Every command that can be run, with the words that lead to it. */
export function eachCommand(
  tree: CommandTree,
  path: readonly string[] = [],
): { readonly path: readonly string[]; readonly command: CommandTree }[] {
  const own = { path, command: tree };
  return [own, ...tree.commands.flatMap((command) => eachCommand(command, [...path, command.name]))];
}
