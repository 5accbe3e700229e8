import { type ChildProcess, spawn } from "node:child_process";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { currentBundle } from "../../../publisher/feed/current.ts";
import { edgeReader } from "../../../publisher/feed/edge_client.ts";
import type { FollowState } from "../../../publisher/follow/follow_state.ts";
import { decodeFollowState } from "../../../publisher/follow/state_file.ts";
import { withArchiveOpen } from "../../../publisher/kernels/open_archive.ts";
import { PackageCache } from "../../../publisher/kernels/package_cache.ts";
import { byRelease, isServed } from "../../../publisher/kernels/releases.ts";
import type { KernelArchive, OfferedKernel } from "../../../publisher/kernels/served_kernel.ts";
import { EXIT } from "../../../shared/exit_codes.ts";
import { decodeManifest } from "../../../shared/feed/manifest.ts";
import { MINUTE } from "../../../shared/time.ts";
import { decodeTargets, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { mustPublish, publisherBundle } from "../../support/commands.ts";
import { type EdgeProcess, startEdge } from "../../support/edge_process.ts";

/** What `proveFollow` needs. */
export interface FollowProofOptions {
  /** A folder of its own. It has room for the packages of the kernels, and for two trees of each source. */
  readonly work: string;
  readonly say: (line: string) => void;
  /** How often the second publisher's runs are killed. */
  readonly kills: number;
  /** How many kernels are served, at most: the newest that apt has with source and headers. */
  readonly kernels: number;
  /** Where packages are kept that apt has fetched. */
  readonly packages: string;
  /** Patterns of the releases that may be served (default: 6.1 and 6.12). */
  readonly releases?: readonly string[];
}

/** What came of it. Durations are in minutes and seconds. */
export interface FollowProof {
  readonly kernels: number;
  readonly kills: number;
  /** True if the killed publisher's state and feed are those of the other one. */
  readonly same: boolean;
  readonly differences: readonly string[];
  /** The minutes from when fix and kernel were there until the update was in force, of each kernel, in order. */
  readonly minutes: readonly number[];
  readonly medianMinutes: number;
  readonly wholeSeconds: number;
  readonly killedSeconds: number;
}

/** The kernels of which some are served. */
const SERVED: KernelArchive = {
  name: "apt",
  place: { kind: "apt", suites: [] },
  releases: [],
  flavours: ["cloud-amd64"],
  except: [],
};
const RELEASES = ["6.1.*", "6.12.*"];

/** A fix that changes one function of all of these kernels. */
const FIX = `Subject: proc: version says something more

--- a/fs/proc/version.c
+++ b/fs/proc/version.c
@@ -10,6 +10,7 @@
 
 static int version_proc_show(struct seq_file *m, void *v)
 {
+	seq_puts(m, "live ");
 	seq_printf(m, linux_proc_banner,
 		utsname()->sysname,
 		utsname()->release,
`;

/**
 * Follows a folder that stands for an archive, and that gains a kernel with its source between two runs, up to the feed of a
 * real edge. A second publisher does the same, whose runs are killed at random moments.
 */
export async function proveFollow(options: FollowProofOptions): Promise<FollowProof> {
  const { work, say, kills } = options;
  const offered = await packagesOf(options);
  say(`${offered.length} kernels: ${offered.map(({ release }) => release).join(", ")}`);
  const whole = await played(options, "whole", offered, 0, MINUTE);
  say(`not killed: ${Math.round(whole.seconds)} s, in force after ${whole.minutes.join(", ")} min`);
  const pace = kills === 0 ? 0 : (whole.seconds * 1000) / kills;
  const killed = await played(options, "killed", offered, kills, pace);
  say(`killed ${killed.kills} times: ${Math.round(killed.seconds)} s`);
  const differences = [
    ...whole.end.filter((line) => !killed.end.includes(line)).map((line) => `- ${line}`),
    ...killed.end.filter((line) => !whole.end.includes(line)).map((line) => `+ ${line}`),
  ];
  for (const line of differences) say(line);
  await writeFile(join(work, "differences"), differences.join("\n"));
  return {
    kernels: offered.length,
    kills: killed.kills,
    same: differences.length === 0 && whole.end.length > 0,
    differences,
    minutes: whole.minutes,
    medianMinutes: whole.minutes[Math.floor(whole.minutes.length / 2)] ?? Number.NaN,
    wholeSeconds: Math.round(whole.seconds),
    killedSeconds: Math.round(killed.seconds),
  };
}

/** A kernel, and the paths of its packages. */
interface Packages extends Pick<OfferedKernel, "release"> {
  readonly paths: readonly string[];
}

/** Fetches the packages of the newest kernels that can be built. The oldest comes first. */
async function packagesOf({ packages, kernels, say, releases = RELEASES }: FollowProofOptions) {
  const archive: KernelArchive = { ...SERVED, releases };
  const tools = {
    cache: new PackageCache(join(packages, "files")),
    lists: join(packages, "lists"),
    progress: say,
  };
  return withArchiveOpen(archive, tools, async (open): Promise<readonly Packages[]> => {
    const all = (await open.offered()).filter(({ release }) => isServed(archive, release)).sort(byRelease);
    const whole = all.filter(({ headers, source }) => headers !== undefined && source !== undefined);
    const fetched: Packages[] = [];
    for (const { release, image, modules, headers, source } of whole.slice(-kernels)) {
      const files = [image, ...modules, headers ?? [], source ?? []].flat();
      const paths: string[] = [];
      for (const file of files) paths.push(await open.path(file));
      fetched.push({ release, paths });
    }
    return fetched;
  });
}

interface Played {
  readonly seconds: number;
  readonly kills: number;
  readonly minutes: readonly number[];
  /** All that lasts, without times. */
  readonly end: readonly string[];
}

/** A publisher's folder and archive, and how often its runs are still to be killed. */
interface Publisher {
  readonly folder: string;
  readonly args: readonly string[];
  readonly pace: number;
  readonly say: (line: string) => void;
  left: number;
}

/** Plays the whole scene: all kernels but the newest are there, and the fix is dropped; then comes the newest. */
async function played(
  { work, say }: FollowProofOptions,
  name: string,
  offered: readonly Packages[],
  kills: number,
  pace: number,
): Promise<Played> {
  const folder = join(work, name);
  const place = (path: string): string => join(folder, path);
  await rm(folder, { recursive: true, force: true }); // of a run that did not end
  for (const path of ["archive", "incoming"]) await mkdir(place(path), { recursive: true });
  await mustPublish("init", place("feed"), "--keys", "1", "--threshold", "1", "--no-passphrase");
  await mustPublish("kernels", "add", "ours", "--folder", place("archive"), "--file", place("kernels.toml"));
  const edge = await startEdge(place("feed/edge.vars"));
  try {
    const args = [
      ...["follow", place("feed"), "--feed", edge.url, "--patches", place("incoming"), "--yes"],
      ...["--kernels-file", place("kernels.toml"), "--package-cache", place("packages")],
      ...["--cache", join(work, "create"), "--quiet"],
    ];
    const publisher: Publisher = { folder, args, pace, say, left: kills };
    const start = performance.now();
    await arrive(offered.slice(0, -1), place("archive"));
    await writeFile(place("incoming/.live.patch"), FIX);
    await rename(place("incoming/.live.patch"), place("incoming/live.patch"));
    const first = offered.length > 1 ? await followed(publisher, false) : Date.now();
    await arrive(offered.slice(-1), place("archive"));
    const second = await followed(publisher, true);
    const seconds = (performance.now() - start) / 1000;
    const minutes = await minutesTo(place("feed"), [first, second]);
    return { seconds, kills: kills - publisher.left, minutes, end: await endOf(place("feed"), edge) };
  } finally {
    await edge.stop();
  }
}

async function arrive(kernels: readonly Packages[], archive: string): Promise<void> {
  for (const path of new Set(kernels.flatMap(({ paths }) => paths))) {
    const to = join(archive, path.slice(path.lastIndexOf("/") + 1));
    await link(path, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/**
 * Runs follow until a run has come to its end. Runs are killed at random moments, as long as there are kills left for it.
 * Every second kill leaves what the run had started at work, as the kernel's OOM killer would.
 * @param all true to kill further runs after that until no kill is left.
 * @returns when it began.
 */
async function followed(publisher: Publisher, all: boolean): Promise<number> {
  const begun = Date.now();
  const keep = all ? 0 : Math.floor(publisher.left / 4);
  let isDone = false;
  while (!isDone || (all && publisher.left > 0)) {
    const child = spawn(process.execPath, [publisherBundle, ...publisher.args], {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-4096);
    });
    const mayKill = publisher.left > keep;
    const ended = exitOf(child);
    if (mayKill) {
      // A run that has little left to do ends soon, and so must the wait.
      const wait = Math.random() * (isDone ? 2000 : publisher.pace);
      if ((await Promise.race([ended, sleep(wait, "late" as const)])) === "late") {
        const alone = publisher.left % 2 === 0;
        const { pid } = child;
        if (pid === undefined) throw new Error("follow did not start");
        process.kill(alone ? pid : -pid, "SIGKILL");
        publisher.left -= 1;
        publisher.say(`killed ${alone ? "alone" : "with all"} after ${Math.round(wait)} ms`);
      }
    }
    const code = await ended;
    if (code === EXIT.ok) isDone = true;
    else if (code !== "killed" && code !== EXIT.locked)
      throw new Error(`follow ended with ${code}:\n${output}`);
  }
  return begun;
}

const exitOf = (child: ChildProcess): Promise<number | "killed"> =>
  new Promise((resolve) => {
    child.once("exit", (code) => resolve(code ?? "killed"));
  });

const stateOf = async (feed: string): Promise<FollowState> => {
  const file = join(feed, "follow/state.json");
  return decodeFollowState(await readFile(file), file);
};

/** Returns the minutes until each update was in force, since the newest arrival before that. */
async function minutesTo(feed: string, arrivals: readonly number[]): Promise<readonly number[]> {
  const { items } = await stateOf(feed);
  return items
    .flatMap(({ seen, pushed }) => {
      const from = arrivals.filter((time) => time <= seen + 1000).at(-1);
      return pushed === undefined || from === undefined ? [] : [Math.round((pushed - from) / 6000) / 10];
    })
    .sort((a, b) => a - b);
}

/** Returns what lasts: the state of each update, and what the feed has for each kernel. */
async function endOf(feed: string, edge: EdgeProcess): Promise<readonly string[]> {
  const { fixes, items } = await stateOf(feed);
  const lines = [
    ...fixes.map(({ id, digest }) => `fix ${id} ${digest}`),
    ...items.map(({ fix, kernel, state }) => `update ${fix} ${kernel} ${state.kind}`),
  ];
  for (const kernel of new Set(items.map((item) => item.kernel))) {
    const bundle = await currentBundle(edgeReader(edge.url), kernel);
    if (bundle === undefined) continue;
    const { version } = decodeTargets(parseEnvelope(bundle.targets, "targets").signed);
    const modules = decodeManifest(bundle.manifest).updates.map(({ id, module }) => `${id} ${module.sha256}`);
    lines.push(`feed ${kernel} version ${version}: ${modules.sort().join(", ")}`);
  }
  return lines.sort();
}
