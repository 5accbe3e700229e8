import type { Host } from "./host.ts";
import type { Stage } from "./stage.ts";

/** One thing that is claimed of the client, shown on a booted kernel. It throws where the claim does not hold. */
export interface Scenario {
  readonly name: string;
  /** @param host set up for the feed, with nothing applied; scenarios leave it like that. */
  readonly run: (stage: Stage, host: Host) => Promise<void>;
}

/** Plays a scenario on a machine that others may have been played on. */
export async function play(scenario: Scenario, stage: Stage, host: Host): Promise<void> {
  await host.setUp();
  await scenario.run(stage, host);
  await host.expectUntouched();
}
