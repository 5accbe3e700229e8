/** The output of the demo. */
export interface Teller {
  /** Begins a step, and prints the time since the start. */
  title(text: string): void;
  /** Prints what was done in the step, and its output. */
  show(text: string): void;
}
