import { Serial } from "./serial.ts";

/** A line for each name, as long as somebody stands in it: work under one name runs one after the other. */
export class Lines {
  readonly #lines = new Map<string, { readonly line: Serial; waiting: number }>();

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#lines.get(name) ?? { line: new Serial(), waiting: 0 };
    this.#lines.set(name, entry);
    entry.waiting++;
    try {
      return await entry.line.run(work);
    } finally {
      if (--entry.waiting === 0) this.#lines.delete(name);
    }
  }
}
