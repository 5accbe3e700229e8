import type { Stage } from "./stage.ts";

/** One attack on the real programs, as somebody would try it. */
export interface Attack {
  /** What the attacker does, in plain words. It is printed, and stands in `failed` when the attack succeeds. */
  readonly name: string;
  /** Throws when the attacker gets anything of what he wanted. */
  play(stage: Stage): Promise<void>;
}
