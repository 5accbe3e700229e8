import type { AcceleratedGuest } from "./boot_for_trial.ts";
import type { Accelerator } from "./guest/qemu.ts";
import { takeStep, timedChanges } from "./guest_steps.ts";
import { judge, type Verdict } from "./judge.ts";
import type { StepName, StepRecord, TimedChange } from "./trial.ts";

/** A step that is to be taken. */
export interface PlannedStep {
  readonly step: StepName;
  /** What people read while it is taken. */
  readonly text: string;
  readonly script: readonly string[] | string;
  readonly timeoutMs: number;
  /** True if it prints the client's answer with the changes that it made. */
  readonly isChange?: boolean;
}

const BOOTED_TIMEOUT_MS = 60_000;

/** Takes the steps of a trial one after the other, up to the first after which the draft cannot be good any more. */
export class TrialRun {
  readonly records: StepRecord[] = [];
  readonly changes: TimedChange[] = [];
  readonly #boot: () => Promise<AcceleratedGuest>;
  readonly #progress: (line: string) => void;
  #accelerator: Accelerator = "tcg";

  constructor(boot: () => Promise<AcceleratedGuest>, progress: (line: string) => void) {
    this.#boot = boot;
    this.#progress = progress;
  }

  get accelerator(): Accelerator {
    return this.#accelerator;
  }

  get verdict(): Verdict {
    return judge(this.records, this.#accelerator);
  }

  get isGood(): boolean {
    return this.verdict.verdict === "ok";
  }

  /** Boots a guest and takes steps in it. It takes none if something was wrong before. */
  async inGuest(planned: readonly PlannedStep[]): Promise<void> {
    if (!this.isGood) return;
    this.#progress("booting the kernel");
    const start = performance.now();
    const { guest, accelerator } = await this.#boot();
    this.#accelerator = accelerator;
    try {
      const { record } = await takeStep(guest, "boot", "true", BOOTED_TIMEOUT_MS);
      // What a kernel logs while it boots is not the update's doing.
      this.records.push({ ...record, ms: Math.round(performance.now() - start), log: "" });
      for (const { step, text, script, timeoutMs, isChange } of planned) {
        this.#progress(text);
        const taken = await takeStep(guest, step, script, timeoutMs);
        this.records.push(taken.record);
        if (!this.isGood) return;
        if (isChange === true) this.changes.push(...timedChanges(taken.stdout));
      }
    } finally {
      await guest.close();
    }
  }
}
