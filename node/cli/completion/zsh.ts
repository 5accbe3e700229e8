import { type CommandTree, type OptionEntry, type Placeholder, pathsFor } from "../command_tree.ts";
import { asking, functionName, scopes, singleQuoted } from "./scope.ts";

/** Writes the completion for the completion system of zsh (compinit). */
export function zshCompletion(tree: CommandTree): string {
  const name = functionName(tree);
  const functions = scopes(tree).map((scope) => {
    const lines = [
      ...scope.options.flatMap((option) => optionSpecs(name, option)),
      ...restSpecs(name, scope.commands, scope.arguments),
    ];
    const cases = scope.commands.map(
      (command) => `\t\t${command.name}) ${functionOf(name, `${scope.path}/${command.name}`)} ;;\n`,
    );
    const described = scope.commands.map((command) => singleQuoted(`${command.name}:${command.description}`));
    const states =
      scope.commands.length === 0
        ? ""
        : `
	case $state in
	command)
		commands=(
			${described.join("\n\t\t\t")}
		)
		_describe -t commands command commands
		;;
	rest)
		case $line[1] in
${cases.join("")}		esac
		;;
	esac`;
    return `${functionOf(name, scope.path)}() {
	local curcontext="$curcontext" state line
	local -a commands
	_arguments -C -s \\
		${lines.join(" \\\n\t\t")}${states}
}
`;
  });
  return `#compdef ${tree.name}
# zsh completion for ${tree.name}, generated from its command line.
${name}_ask() {
	local -a words
	words=(\${(f)"$(${asking(tree.name, '"$1"')})"})
	(( \${#words} )) && compadd -S "$2" -a words
	[[ -z $3 ]] || _files
}

${functions.join("\n")}
if [ "$funcstack[1]" = ${name} ]; then
	${name} "$@"
else
	compdef ${name} ${tree.name}
fi
`;
}

const functionOf = (name: string, path: string): string => `${name}${path.replaceAll(/[/-]/g, "_")}`;

/** Escapes colons and brackets, which separate the fields of a specification. */
const field = (text: string): string => text.replaceAll(/[[\]:\\]/g, "\\$&");

function optionSpecs(name: string, { flags, description, value }: OptionEntry): string[] {
  const argument = value ? `:${field(value.name)}:${action(name, value, '""')}` : "";
  const rest = singleQuoted(`[${field(description)}]${argument}`);
  // A long flag takes its value after a space or a `=`.
  const named = flags.map((flag) => (value && flag.startsWith("--") ? `${flag}=` : flag));
  if (named.length === 1) return [`${named[0]}${rest}`];
  return [`'(${flags.join(" ")})'{${named.join(",")}}${rest}`];
}

function restSpecs(
  name: string,
  commands: readonly CommandTree[],
  placeholders: readonly Placeholder[],
): string[] {
  if (commands.length > 0) return ["'1: :->command'", "'*:: :->rest'"];
  return placeholders.map((placeholder) =>
    singleQuoted(
      `${placeholder.variadic ? "*" : ""}:${field(placeholder.name)}:${action(name, placeholder, '" "')}`,
    ),
  );
}

/**
 * Returns the action of a specification, which completes a word.
 *
 * @param after the text that follows the completed word.
 */
function action(name: string, placeholder: Placeholder, after: string): string {
  if (placeholder.choices.length > 0) return `(${placeholder.choices.join(" ")})`;
  const kind = pathsFor(placeholder);
  if (placeholder.asks !== undefined)
    return ` ${name}_ask ${placeholder.asks} ${after}${kind === undefined ? "" : " files"}`;
  if (kind === undefined) return " ";
  return kind === "files" ? "_files" : "_files -/";
}
