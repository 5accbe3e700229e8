import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { publisherBundle } from "../../support/commands.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a line of bash in a folder; `publish` is the built program. What comes through pipes and descriptors is then the kernel's. */
export async function shell(
  dir: string,
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const script = `publish() { ${JSON.stringify(process.execPath)} ${JSON.stringify(publisherBundle)} "$@"; }\n${line}`;
  const child = spawn("bash", ["-c", script], {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}
