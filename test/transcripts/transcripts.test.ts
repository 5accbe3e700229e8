import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostBundle, publisherBundle } from "../support/commands.ts";

/*
 * Plays the transcripts of this folder against the programs in dist, each in an empty folder: a line `$ COMMAND` is what
 * somebody types, the lines below it are what they see, and `[N]` is the exit code where it is not 0. `<word>` stands for
 * what varies: a time, a digest, a path. Lines before the first command say what the transcript is about.
 *
 * With TRANSCRIPTS=write the files are written again from what the programs say.
 */

const FOLDER = import.meta.dirname;
const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".txt"));

/** What varies between two runs, and what stands for it. */
const VARYING = [
  [/\b[0-9a-f]{64}\b/g, "<digest>"],
  [/\b[0-9a-f]{40}\b/g, "<id>"],
  [/\b(?:[0-9a-f]{4} ){15}[0-9a-f]{4}\b/g, "<digest in fours>"],
  [/"x":"[\w-]{43}"/g, '"x":"<key>"'],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g, "<time>"],
  [/\b\d{4}-\d\d-\d\d\b/g, "<day>"],
] as const;

/** Makes the commands available as they are installed, with the places of a host in the folder of the transcript. */
async function programs(work: string): Promise<string> {
  const bin = join(work, "bin");
  await mkdir(bin);
  const places = `--config-dir "${work}/etc" --state-dir "${work}/state" --run-dir "${work}/run"`;
  const commands = { rebootless: `"${hostBundle}" ${places}`, "rebootless-publish": `"${publisherBundle}"` };
  for (const [name, line] of Object.entries(commands)) {
    const script = `#!/bin/sh\nexec "${process.execPath}" ${line} "$@"\n`;
    await writeFile(join(bin, name), script, { mode: 0o755 });
  }
  return bin;
}

function seen(command: string, cwd: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${path}:${process.env["PATH"]}`, COLUMNS: "100" };
    execFile("sh", ["-c", `(${command}) 2>&1 </dev/null`], { cwd, env }, (error, stdout) => {
      const code = error === null ? "" : `[${error.code}]\n`;
      resolve(VARYING.reduce((text, [what, word]) => text.replaceAll(what, word), stdout) + code);
    });
  });
}

test.each(names)("%s", { timeout: 120_000 }, async (name) => {
  const expected = await readFile(join(FOLDER, name), "utf8");
  const work = await mkdtemp(join(tmpdir(), "rebootless-transcript-"));
  try {
    const path = await programs(work);
    const home = join(work, "home");
    await mkdir(home);
    const [about = "", ...commands] = expected.split(/^\$ /m);
    let played = about;
    for (const [command = ""] of commands.map((part) => part.split("\n"))) {
      const text = (await seen(command, home, path)).replaceAll(work, "<folder>");
      played += `$ ${command}\n${text === "" || text.endsWith("\n") ? text : `${text}\n`}`;
    }
    if (process.env["TRANSCRIPTS"] === "write") await writeFile(join(FOLDER, name), played);
    else expect(played).toBe(expected);
  } finally {
    await rm(work, { recursive: true });
  }
});
