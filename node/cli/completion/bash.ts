import { type CommandTree, type Placeholder, pathsFor } from "../command_tree.ts";
import { asking, functionName, type Scope, scopes } from "./scope.ts";

/** Writes the completion for bash 4.0 and newer, with or without the bash-completion package. */
export function bashCompletion(tree: CommandTree): string {
  const all = scopes(tree);
  const valued = all.flatMap((scope) =>
    scope.options
      .filter((option) => option.value?.required)
      .flatMap((option) => option.flags.map((flag) => `"${scope.path} ${flag}"`)),
  );
  const paths = all.filter(({ path }) => path !== "").map(({ path }) => path);
  return `# bash completion for ${tree.name}, generated from its command line.
${functionName(tree)}() {
	local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' words='' word i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=\${COMP_WORDS[i]}
		case "$path $word" in
		${valued.join(" | \\\n\t\t\t")})
			((i++))
			# bash parts words at a \`=\`: --option=value, and name=value
			[[ \${COMP_WORDS[i]-} != = ]] || ((i++))
			[[ \${COMP_WORDS[i + 1]-} != = ]] || ((i += 2))
			continue
			;;
		esac
		case "$path/$word" in
		${paths.join(" | \\\n\t\t\t")}) path=$path/$word ;;
		esac
	done
	case "$path $prev" in
${all.flatMap((scope) => valueCases(tree.name, scope)).join("")}	esac
	case "$path" in
${all.map((scope) => scopeCase(tree.name, scope)).join("")}	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F ${functionName(tree)} ${tree.name}
`;
}

function valueCases(name: string, { path, options }: Scope): string[] {
  return options.flatMap((option) => {
    if (!option.value?.required) return [];
    const patterns = option.flags.map((flag) => `"${path} ${flag}"`);
    return [`\t${patterns.join(" | ")})\n\t\t${fill(name, option.value)}\n\t\treturn\n\t\t;;\n`];
  });
}

function scopeCase(name: string, scope: Scope): string {
  const flags = scope.options.flatMap(({ flags }) => flags).join(" ");
  const words = scope.commands.map((command) => command.name).join(" ");
  const rest = scope.commands.length > 0 ? `words="${words}"` : argumentFill(name, scope.arguments);
  return `\t"${scope.path}")\n\t\tif [[ $cur == -* ]]; then\n\t\t\twords="${flags}"\n\t\telse\n\t\t\t${rest}\n\t\tfi\n\t\t;;\n`;
}

function argumentFill(name: string, placeholders: readonly Placeholder[]): string {
  const choices = placeholders.flatMap(({ choices }) => choices);
  if (choices.length > 0) return `words="${choices.join(" ")}"`;
  const kind = placeholders.map(pathsFor).find((paths) => paths !== undefined);
  const what = placeholders.map(({ asks }) => asks).find((asks) => asks !== undefined);
  const files = kind === undefined ? [] : [paths(kind)];
  const asked = what === undefined ? [] : [`COMPREPLY+=($(compgen -W "$(${asking(name, what)})" -- "$cur"))`];
  return [...files, ...asked, "return"].join("\n\t\t\t");
}

function fill(name: string, value: Placeholder): string {
  if (value.asks !== undefined) {
    const words = `mapfile -t COMPREPLY < <(compgen -W "$(${asking(name, value.asks)})" -- "$cur")`;
    // The user goes on typing after a word that ends in `=`.
    return `[[ $cur == *=* ]] || ${words}\n\t\t[[ \${COMPREPLY-} != *= ]] || compopt -o nospace 2>/dev/null`;
  }
  if (value.choices.length > 0) {
    return `mapfile -t COMPREPLY < <(compgen -W "${value.choices.join(" ")}" -- "$cur")`;
  }
  const kind = pathsFor(value);
  return kind === undefined ? ":" : paths(kind);
}

const paths = (kind: "files" | "folders"): string =>
  `compopt -o filenames 2>/dev/null\n\t\tmapfile -t COMPREPLY < <(compgen -${kind === "files" ? "f" : "d"} -- "$cur")`;
