import type { CommandTree } from "../../node/cli/command_tree.ts";
import { bashCompletion } from "../../node/cli/completion/bash.ts";
import { fishCompletion } from "../../node/cli/completion/fish.ts";
import { zshCompletion } from "../../node/cli/completion/zsh.ts";
import type { Context } from "../context.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export type Shell = keyof typeof SHELLS;

/** Prints a script that lets a shell complete this command line. */
export async function completion({ terminal }: Context, shell: Shell, tree: CommandTree): Promise<void> {
  const script = SHELLS[shell](tree);
  terminal.document(script);
  terminal.result("completion", { shell, script });
}
