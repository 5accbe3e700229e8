import { performance } from "node:perf_hooks";
import { stdout } from "node:process";

/** The output of the demo. */
export class Teller {
  readonly #began = performance.now();

  /** The time since the start: "12.3 s". */
  get elapsed(): string {
    return `${((performance.now() - this.#began) / 1000).toFixed(1)} s`;
  }

  /** Begins a step, and prints the time since the start. */
  title(text: string): void {
    stdout.write(`\n${this.elapsed.padStart(7)}  ${text}\n`);
  }

  /** Prints what is done in the step, and its output. */
  show(text: string): void {
    if (text.trim() !== "") stdout.write(`${text.trimEnd().replace(/^/gm, "         ")}\n`);
  }
}
