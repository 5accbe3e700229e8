import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { RebootlessError } from "../../shared/errors.ts";
import { printable } from "../../shared/printable.ts";
import type { Prompt } from "../context.ts";

/** The prompt on the process's own terminal. It is interactive only if both stdin and stderr are terminals. */
export const terminalPrompt: Prompt = {
  get interactive() {
    return process.stdin.isTTY === true && process.stderr.isTTY === true;
  },
  async secret(question) {
    process.stderr.write(printable(question));
    try {
      // readline turns off the terminal's own echo and writes the echo to its output, which discards it here.
      return await answer("", new Writable({ write: (_chunk, _encoding, done) => done() }));
    } finally {
      process.stderr.write("\n");
    }
  },
  async confirm(lines, question) {
    for (const line of lines) process.stderr.write(`${printable(line)}\n`);
    return /^y(?:es)?$/i.test((await answer(`${printable(question)} [yes/no] `, process.stderr)).trim());
  },
};

async function answer(question: string, output: Writable | NodeJS.WriteStream): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  try {
    // Ctrl-C and Ctrl-D close the interface, and leave the question without an answer.
    const closed = new Promise<never>((_, reject) => {
      lines.once("close", () =>
        reject(new RebootlessError("not_permitted", "there was no answer, so nothing was done")),
      );
    });
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}
