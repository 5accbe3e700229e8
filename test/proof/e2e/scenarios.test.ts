import { afterAll, beforeAll, test } from "vitest";
import { findKernel } from "../../support/guest/machine.ts";
import type { Host } from "../guest/host.ts";
import { randomFrom } from "../guest/random.ts";
import { play } from "../guest/scenario.ts";
import { kspliceUpdates } from "../guest/scenarios/ksplice.ts";
import { partial } from "../guest/scenarios/partial.ts";
import { twoClients } from "../guest/scenarios/two_clients.ts";
import { openStage, type Stage } from "../guest/stage.ts";

/** The quicker part of `npm run proof:guest`, on one machine. */

const SEED = 1;
let stage: Stage;
let host: Host;

beforeAll(async () => {
  const progress = (text: string) => void process.stderr.write(`${text}\n`);
  stage = await openStage({ kernel: findKernel("primary"), random: randomFrom(SEED), progress });
  host = await stage.boot();
}, 600_000);

afterAll(async () => {
  await host?.guest.close();
  await stage?.close();
}, 60_000);

test.each([partial, kspliceUpdates, twoClients])(
  "scenario $name",
  async (scenario) => {
    await play(scenario, stage, host);
  },
  600_000,
);
