import { execFile } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "./guest/machine.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

const bundle = (name: string) => join(projectRoot, "dist", `${name}.cjs`);
export const hostBundle: string = bundle("rebootless");
/** What it loads for `rebootless mirror`. */
export const mirrorBundle: string = bundle("rebootless-mirror");
/** What it runs. */
export const hostProgramBundle: string = bundle("rebootless-host");
export const publisherBundle: string = bundle("rebootless-publish");

const TIMEOUT_MS = 120_000;

/** Runs the publisher's bundle, as a publisher would. */
export function publish(...args: readonly string[]): Promise<CommandResult> {
  return runNode([publisherBundle, ...args]);
}

export function runNode(args: readonly string[]): Promise<CommandResult> {
  const start = performance.now();
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 127) : 0;
      resolve({ code, stdout, stderr, ms: Math.round(performance.now() - start) });
    });
  });
}

/** The same, for steps that have to succeed. Returns stdout. */
export async function mustPublish(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await publish(...args);
  if (code !== 0) throw new Error(`rebootless-publish ${args[0]} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** Runs a command of mirrors, as who keeps one would; it has to succeed. Returns its object. */
export async function mustMirror(
  command: string,
  ...args: readonly string[]
): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await runNode([hostBundle, "mirror", command, ...args, "--json"]);
  if (code !== 0) throw new Error(`rebootless mirror ${command} ended with ${code}:\n${stdout}${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}
