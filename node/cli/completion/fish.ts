import { type CommandTree, type OptionEntry, type Placeholder, pathsFor } from "../command_tree.ts";
import { asking, functionName, type Scope, scopes } from "./scope.ts";

/** Writes the completion for fish 3.0 and newer. */
export function fishCompletion(tree: CommandTree): string {
  const at = `${functionName(tree)}_path`;
  const all = scopes(tree);
  const valued = all.flatMap((scope) =>
    scope.options
      .filter((option) => option.value?.required)
      .flatMap((option) => option.flags.map((flag) => quoted(`${scope.path} ${flag}`))),
  );
  const paths = all.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  return `# fish completion for ${tree.name}, generated from its command line.
function ${at}
	set -l words (commandline -opc)
	set -l path ''
	set -l skip 0
	for word in $words[2..-1]
		if test $skip = 1
			set skip 0
			continue
		end
		if contains -- "$path $word" ${valued.join(" ")}
			set skip 1
		else if contains -- "$path/$word" ${paths.join(" ")}
			set path "$path/$word"
		end
	end
	test "$path" = "$argv[1]"
end
${all.flatMap((scope) => lines(tree.name, at, scope)).join("\n")}
`;
}

function lines(
  name: string,
  at: string,
  { path, commands, options, arguments: placeholders }: Scope,
): string[] {
  const start = `complete -c ${name} -n ${quoted(`${at} ${quoted(path)}`)}`;
  const kind = placeholders.map(pathsFor).find((paths) => paths !== undefined);
  const choices = placeholders.flatMap((placeholder) => placeholder.choices);
  return [
    ...(kind === undefined ? [`${start} -f`] : []),
    ...commands.map((command) => `${start} -a ${command.name} -d ${quoted(command.description)}`),
    ...placeholders.flatMap(({ asks }) =>
      asks === undefined ? [] : [`${start} -a ${quoted(`(${asking(name, asks)})`)}`],
    ),
    ...(choices.length > 0 ? [`${start} -a ${quoted(choices.join(" "))}`] : []),
    ...options.map((option) => `${start} ${optionLine(name, option)}`),
  ];
}

function optionLine(name: string, { flags, description, value }: OptionEntry): string {
  const named = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return `${named.join(" ")}${value ? ` ${valueLine(name, value)}` : ""} -d ${quoted(description)}`;
}

function valueLine(name: string, value: Placeholder): string {
  if (value.asks !== undefined) return `-x -a ${quoted(`(${asking(name, value.asks)})`)}`;
  if (value.choices.length > 0) return `-x -a ${quoted(value.choices.join(" "))}`;
  const kind = pathsFor(value);
  if (kind === "folders") return "-x -a '(__fish_complete_directories)'";
  return kind === "files" ? "-r -F" : "-x";
}

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
