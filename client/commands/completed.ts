/** The kinds of words that shells ask for: the commands that take them, and `set` for the option `--set`. */
export const COMPLETED = ["hold", "set", "show", "undo", "unhold", "upgrade", "verify"] as const;
export type Completed = (typeof COMPLETED)[number];
