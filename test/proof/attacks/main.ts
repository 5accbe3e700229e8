import { attacks } from "./attacks.ts";
import { Stage } from "./stage.ts";

/*
 * tsx main.ts [WORD ...]
 *
 * Plays attacks against the built programs: the client, the edge on Node and in workerd, and mirrors. With words, only
 * attacks that have one of them in their names. The last line on stdout is JSON; the exit code is 0 only if all held.
 */

const words = process.argv.slice(2);
const began = performance.now();
const say = (line: string) =>
  process.stderr.write(`[${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s] ${line}\n`);

const chosen = attacks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const failed: string[] = [];
for (const { name, play } of chosen) {
  const stage = await Stage.open();
  try {
    await play(stage);
    say(`held    ${name}`);
  } catch (error) {
    failed.push(name);
    say(`FAILED  ${name}: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await stage.close();
  }
}
const result = { attacks: chosen.length, held: chosen.length - failed.length, failed };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = failed.length === 0 && chosen.length > 0 ? 0 : 1;
