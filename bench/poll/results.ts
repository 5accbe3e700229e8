import { medians } from "../node_process.ts";
import type { Run } from "./measure.ts";
import type { Scheme } from "./server.ts";

/** What was run: a client by its name and whether there was news for it, or one of the two floors. */
export interface Subject {
  readonly name: string;
  /** Undefined for what makes no request. */
  readonly scheme?: Scheme;
  /** Undefined for what is no client. */
  readonly news?: "unchanged" | "changed";
}

/** All runs by their subjects, in the order in which each was first added. */
export class Results {
  readonly #rows = new Map<string, { subject: Subject; runs: Run[] }>();

  add(subject: Subject, run: Run): void {
    const key = JSON.stringify(subject);
    const row = this.#rows.get(key) ?? { subject, runs: [] };
    row.runs.push(run);
    this.#rows.set(key, row);
  }

  /** Every subject with its median run. */
  medians(): readonly Measured[] {
    return [...this.#rows.values()].map(({ subject, runs }) => ({ ...subject, run: medians(runs) }));
  }
}

export interface Measured extends Subject {
  readonly run: Run;
}
