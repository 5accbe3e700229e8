import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What a program and all that it started cost. */
export interface TreeCost {
  readonly wallMs: number;
  /** Of all its processes together, at the peak; looked at every so often. */
  readonly peakMb: number;
}

const LOOK_EVERY_MS = 100;

/** Runs a program in a process group of its own. Throws with its stderr when it fails. */
export function measured(command: string, args: readonly string[]): Promise<TreeCost> {
  const start = performance.now();
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  let peakKb = 0;
  const timer = setInterval(() => {
    peakKb = Math.max(peakKb, groupKb(child.pid ?? 0));
  }, LOOK_EVERY_MS);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ wallMs: performance.now() - start, peakMb: peakKb / 1024 });
      else reject(new Error(`${command} ended with ${code}:\n${stderr}`));
    });
  });
}

/** Resident memory of the processes of a group. */
function groupKb(group: number): number {
  let sum = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      // After the name in parentheses: state, parent, group.
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) continue;
      sum += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "latin1"))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum;
}
