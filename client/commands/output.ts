import type { Terminal } from "../../shared/terminal.ts";
import { writeDurably } from "../host/files.ts";

/** Where a command's document goes: to a file, which is replaced whole, or to stdout. */
export async function putOut(terminal: Terminal, file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return terminal.say(text.trimEnd());
  await writeDurably(file, text.endsWith("\n") ? text : `${text}\n`);
}
