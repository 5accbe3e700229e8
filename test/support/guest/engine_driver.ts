import { closeSync, copyFileSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { EngineChange, PatchModule, Progress } from "../../../client/engines/engine.ts";
import { engines } from "../../../client/engines/engines.ts";
import { loadModule } from "../../../client/engines/module_load.ts";
import { linuxSystem } from "../../../client/host/system.ts";
import type { OpenFile } from "../../../node/own_file.ts";
import { objectName } from "../../../shared/brand.ts";
import type { EngineName } from "../../../shared/feed/update.ts";

/*
 * Runs in a guest: takes a scenario as JSON on stdin and takes its steps one after the other with the client's engines
 * on the real kernel. Prints what each came to, as JSON.
 */

/** A change whose modules are named by their paths in the guest. */
export interface ChangeOfFiles extends Omit<EngineChange, "modules"> {
  readonly modules: readonly (PatchModule & { readonly file: string })[];
}

export type Step =
  | { readonly do: "apply" | "preflight"; readonly change: ChangeOfFiles; readonly partial?: boolean }
  | { readonly do: "undo"; readonly change: ChangeOfFiles }
  | { readonly do: "loaded" }
  | {
      readonly do: "load";
      readonly name: string;
      readonly file: string;
      /** A copy of this file takes the path once it is open. */
      readonly swappedFor?: string;
    }
  | { readonly do: "read"; readonly path: string }
  | { readonly do: "write"; readonly path: string; readonly text: string }
  | { readonly do: "log"; readonly line: string };

export interface Scenario {
  readonly engine: EngineName;
  readonly debug?: number;
  readonly deadlineMs?: number;
  readonly reportAfterMs?: number;
  readonly steps: readonly Step[];
}

/** What a step came to: an outcome, a list, a text, or the code of the error that it threw. */
export interface Answer {
  readonly value: unknown;
  readonly progress: readonly Progress[];
}

let progress: Progress[] = [];
const { engine: name, steps, ...options } = JSON.parse(readFileSync(0, "utf8")) as Scenario;
const linux = linuxSystem(() => undefined);
const all = engines({ system: linux, progress: (now) => progress.push(now), ...options });
const engine = all.for({ engine: name });

/** Open until this process ends. */
const openFile = (path: string): OpenFile => {
  const descriptor = openSync(path, "r");
  return { path, descriptor, close: () => closeSync(descriptor) };
};

const opened = (change: ChangeOfFiles): EngineChange => ({
  ...change,
  modules: change.modules.map((module) => ({ ...module, file: openFile(module.file) })),
});

async function take(step: Step): Promise<unknown> {
  switch (step.do) {
    case "apply":
    case "preflight":
      return await engine[step.do](opened(step.change), {
        partial: step.partial ?? false,
        matchAgain: async () => undefined,
      });
    case "undo":
      return await engine.undo(step.change);
    case "loaded":
      return await all.loaded();
    case "load":
      return await load(step);
    case "read":
      return await linux.read(step.path);
    case "write":
      return await linux.write(step.path, step.text);
    case "log":
      return logged(step.line);
  }
}

async function load({ name, file, swappedFor }: Step & { readonly do: "load" }): Promise<unknown> {
  const opened = openFile(file);
  if (swappedFor !== undefined) {
    copyFileSync(swappedFor, `${file}.new`);
    renameSync(`${file}.new`, file);
  }
  return await loadModule(linux, objectName(name), opened);
}

/** What an opened kernel log says of a line written before it was opened, and of two after. */
function logged(line: string): readonly (readonly string[])[] {
  const write = (when: string) => writeFileSync("/dev/kmsg", `${line} ${when}\n`);
  write("before");
  const log = linux.kernelLog();
  write("first; it is");
  write("second");
  const ours = () => log.lines().filter((text) => text.startsWith(line));
  const lines = [ours(), ours()];
  log.close();
  return lines;
}

async function main(): Promise<void> {
  const answers: Answer[] = [];
  for (const step of steps) {
    progress = [];
    const value = await take(step).catch((error: unknown) => ({ threw: String(error) }));
    answers.push({ value: value ?? null, progress });
  }
  process.stdout.write(JSON.stringify(answers));
}

void main();
