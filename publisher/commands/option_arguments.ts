import type { Command } from "commander";

/**
 * Returns the options that were given to a command, as the words of a command line that gives them again.
 * @param without the long names of options that are left out.
 */
export function optionArguments(command: Command, without: readonly string[]): readonly string[] {
  return command.options.flatMap((option) => {
    const { long } = option;
    const name = option.attributeName();
    if (!long || without.includes(long) || command.getOptionValueSource(name) !== "cli") return [];
    const value: unknown = command.getOptionValue(name);
    if (value === true) return [long];
    return [value].flat().flatMap((each) => [long, String(each)]);
  });
}
