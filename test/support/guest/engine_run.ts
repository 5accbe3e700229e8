import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import type { Answer, Scenario, Step } from "./engine_driver.ts";
import type { Guest } from "./guest.ts";

const DRIVER = "/root/engine_driver.cjs";
const SCENARIO_TIMEOUT_MS = 240_000;

/** The driver as a file for a guest. */
export async function engineDriver(): Promise<GuestFile> {
  const entry = join(dirname(fileURLToPath(import.meta.url)), "engine_driver.ts");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "cjs",
  });
  const [file] = outputFiles;
  if (!file) throw new Error("esbuild made nothing");
  return { path: DRIVER, content: file.contents };
}

/** Takes steps in the guest, all in one process: node takes seconds to start there. */
export async function takeSteps(
  guest: Guest,
  options: Omit<Scenario, "steps">,
  steps: readonly Step[],
): Promise<readonly Answer[]> {
  const scenario = `/tmp/scenario-${Date.now()}-${Math.floor(Math.random() * 1e9)}.json`;
  await guest.putFile(scenario, JSON.stringify({ ...options, steps } satisfies Scenario));
  const printed = await guest.mustExec(`node ${DRIVER} <${scenario}`, { timeoutMs: SCENARIO_TIMEOUT_MS });
  return JSON.parse(printed) as readonly Answer[];
}
