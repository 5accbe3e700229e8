import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import type { ExecResult, Guest } from "../../support/guest/guest.ts";

const FOLDER = "/root/selftests";
/** The original, where ours reads it; the scripts read the file of its name. */
const ORIGINAL = `${FOLDER}/functions.original.sh`;
/** A case takes seconds; the longest script has eleven. */
const SCRIPT_TIMEOUT_MS = 900_000;

/** One of the kernel's scripts, and how many cases it says it has. */
export interface Script {
  readonly name: string;
  readonly cases: number;
}

export interface Ran {
  readonly script: Script;
  /** Names of the cases that went well. */
  readonly passed: readonly string[];
  readonly result: ExecResult;
}

export async function readScripts(source: string): Promise<readonly Script[]> {
  const folder = scriptFolder(source);
  const names = (await readdir(folder)).filter((name) => /^test-.*\.sh$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return { name, cases: text.match(/^start_test /gm)?.length ?? 0 };
    }),
  );
}

/** The scripts for the guest. `routing`: what comes after the kernel's own functions and takes the place of some. */
export async function scriptFiles(source: string, routing: string): Promise<readonly GuestFile[]> {
  const folder = scriptFolder(source);
  const scripts = await readScripts(source);
  return [
    ...scripts.map(({ name }) => ({
      path: `${FOLDER}/${name}`,
      content: { from: join(folder, name) },
      mode: 0o755,
    })),
    { path: ORIGINAL, content: { from: join(folder, "functions.sh") } },
    { path: `${FOLDER}/functions.sh`, content: `. ${ORIGINAL}\n${routing}` },
  ];
}

const scriptFolder = (source: string): string => join(source, "tools/testing/selftests/livepatch");

export async function runScript(guest: Guest, script: Script): Promise<Ran> {
  const result = await guest.exec([`${FOLDER}/${script.name}`], { timeoutMs: SCRIPT_TIMEOUT_MS });
  const passed = [...result.stdout.matchAll(/^TEST: (.*) \.\.\. ok$/gm)].map((match) => match[1] ?? "");
  return { script, passed, result };
}
