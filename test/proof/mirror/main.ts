import { parseArgs } from "node:util";
import { readKernels } from "../../support/guest/machine.ts";
import { randomFrom } from "../guest/random.ts";
import { damagedFiles } from "./damage.ts";
import { behindTheGap } from "./guest.ts";
import { killedImports, killedSyncs } from "./killed.ts";
import { ProofSite } from "./proof_site.ts";
import { watchedSockets } from "./sockets.ts";

/*
 * tsx main.ts [--seed NUMBER] [--kernel SERIES] [killed|damage|sockets|guest ...]
 *
 * What mirrors promise: a kill at any moment, damage of any file, no word to anybody else, and a host behind an air gap, on a
 * booted kernel. The last line on stdout is JSON; the exit code is 0 only if all of it held.
 */

const KERNELS = 40;
const KILLS = 50;
const IMPORT_KILLS = 5;
const DAMAGES = 64;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kernel: { type: "string", default: "6.1" }, seed: { type: "string", default: "1" } },
});
const random = randomFrom(Number(values.seed));
const began = performance.now();
const say = (text: string) =>
  process.stderr.write(`[${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s] ${text}\n`);

const site = await ProofSite.make(KERNELS);
const parts: Readonly<Record<string, () => Promise<unknown>>> = {
  killed: async () => ({
    sync: await killedSyncs(site, KILLS, random),
    imports_cut: await killedImports(site, IMPORT_KILLS, random),
  }),
  damage: () => damagedFiles(site, DAMAGES, random),
  sockets: () => watchedSockets(site),
  guest: () => {
    const kernel = readKernels().find(({ series, headers }) => series === values.kernel && headers);
    if (!kernel) throw new Error(`no kernel ${values.kernel}`);
    return behindTheGap(kernel, say);
  },
};
const results: Record<string, unknown> = {};
const failures: string[] = [];
for (const [name, part] of Object.entries(parts)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  say(name);
  try {
    results[name] = await part();
  } catch (error) {
    failures.push(name);
    say(`FAILED ${name}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
await site.close();
const seconds = Math.round((performance.now() - began) / 1000);
process.stdout.write(
  `${JSON.stringify({ proof: "mirror", kernels: KERNELS, ...results, failed: failures, seed: Number(values.seed), seconds })}\n`,
);
process.exitCode = failures.length === 0 && Object.keys(results).length > 0 ? 0 : 1;
