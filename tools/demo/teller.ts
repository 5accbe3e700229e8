/** How the demo speaks. */
export interface Teller {
  /** Begins a step, with the time since the start. */
  title(text: string): void;
  /** What was done and said in it. */
  show(text: string): void;
}
