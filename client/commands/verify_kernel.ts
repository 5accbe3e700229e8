import { VMLINUX } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import { readAttachments } from "../attached/attachments.ts";
import type { Context } from "../context.ts";
import { livepatchEngine } from "../engines/livepatch.ts";
import { runningKernel } from "../host/identity.ts";
import { KCORE, openKernelCore } from "../host/kcore.ts";
import { runningModules } from "../host/modules.ts";
import { openHost } from "../this_host.ts";
import { requireBuild, requireCoreBuild } from "../verify/core_build.ts";
import { type Fingerprints, fingerprintsOfFeed, fingerprintsOfFiles } from "../verify/fingerprints.ts";
import { checkKernel, joinVerdicts, type KernelVerdict, type LocatedDifference } from "../verify/kernel.ts";
import { type PlacedModules, placeModules } from "../verify/module_sets.ts";
import { passedOverLine } from "./describe.ts";

export interface VerifyKernelOptions {
  readonly kernel?: boolean;
  /** Fingerprint files, made by `rebootless-publish fingerprint`, to use instead of the feed's. */
  readonly fingerprints?: readonly string[];
  /** A core file to check instead of the running kernel. */
  readonly kcore?: string;
}

/** The most functions that are shown for each reason. */
const MAX_LINES = 40;
/** The most differences that are listed of one function. */
const MAX_PLACES = 8;

/**
 * Checks whether a kernel's code is what it should be, and shows every function that differs and why. If a difference is
 * not explained by something that the kernel lists (a live patch, a tracer, a probe), the exit code is that of run-pre.
 */
export async function verifyKernel(
  context: Context,
  things: readonly string[],
  options: VerifyKernelOptions,
): Promise<void> {
  if (things.length > 0) throw new RebootlessError("usage", "--kernel does not take further arguments");
  const { terminal, system, exitWith } = context;
  const fingerprints = await fingerprintsFor(context, options);
  const path = options.kcore ?? KCORE;
  const memory = openKernelCore(path);
  try {
    const runs = path === KCORE;
    if (runs) requireBuild(fingerprints.set.kernel, runningKernel(), "the running kernel");
    else requireCoreBuild(fingerprints.set.kernel, memory);
    const placed = placeAll(fingerprints, memory, runs);
    const attachments = runs ? () => readAttachments(system, livepatchEngine({ system }).loaded) : null;
    const verdicts: KernelVerdict[] = [];
    for (const set of [fingerprints.set, ...placed.sets]) {
      const { sleep } = system;
      verdicts.push(await checkKernel({ set, memory, attachments, sleep, progress: terminal.progress }));
    }
    const verdict = joinVerdicts(verdicts);
    const isRight = isExplained(verdict) && placed.otherBuilds.length === 0;
    const code = isRight ? EXIT.ok : EXIT.runpre;
    report(terminal, fingerprints, path, verdict, placed, code);
    if (code !== EXIT.ok) exitWith(code);
  } finally {
    memory.close();
  }
}

/** Finds the modules in memory. Only /sys of the running kernel says where they are; a core file does not. */
function placeAll({ set, modules, source }: Fingerprints, memory: TextMemory, runs: boolean): PlacedModules {
  if (runs) return placeModules(modules, set.landmarks, memory, runningModules());
  const named = modules.map(({ object }) => object.name);
  if (named.length > 0) {
    throw new RebootlessError(
      "usage",
      `${source}: modules (${named.join(", ")}) cannot be found in a core file`,
      {
        hint: "They can be found only in the running kernel. Leave out their files, or --kcore.",
      },
    );
  }
  return { sets: [], notLoaded: [], otherBuilds: [] };
}

const fingerprintsFor = async (
  { places, lock, terminal }: Context,
  { fingerprints }: VerifyKernelOptions,
): Promise<Fingerprints> =>
  fingerprints === undefined
    ? fingerprintsOfFeed(await openHost(places), lock, (why) => terminal.notice(passedOverLine(why)))
    : fingerprintsOfFiles(fingerprints);

/** Whether all differences are explained. In a core file, what is attached to a function cannot be looked up. */
const isExplained = ({ differing }: KernelVerdict): boolean =>
  differing.every(({ reason }) => reason.why !== "unexplained" && reason.why !== "attached");

const REASONS = ["livepatched", "traced", "probed", "attached", "unexplained"] as const;

function report(
  terminal: Context["terminal"],
  { set, source }: Fingerprints,
  memory: string,
  verdict: KernelVerdict,
  { sets, notLoaded, otherBuilds }: PlacedModules,
  exitCode: number,
): void {
  const { functions, bytes, matched, differing, unread } = verdict;
  const counts = REASONS.map((why) => [why, differing.filter(({ reason }) => reason.why === why)] as const);
  terminal.say(`kernel       ${set.kernel.release}, build ID ${set.kernel.buildId}, in ${memory}`);
  terminal.say(`fingerprints ${source}`);
  terminal.say(
    `matched      ${matched} of ${counted(functions, "function")}, ${counted(bytes, "byte")} in all`,
  );
  const checked = sets.map(({ object }) => object.name);
  if (checked.length > 0) terminal.say(`modules      ${checked.join(" ")}`);
  if (notLoaded.length > 0) terminal.say(`not loaded   ${notLoaded.join(" ")}`);
  for (const { name, wanted, found } of otherBuilds) {
    terminal.say(
      `other build  ${name}: ${found ?? "a module without a build ID"} is loaded, and the fingerprints are of ${wanted}`,
    );
  }
  for (const [why, all] of counts) {
    for (const one of all.slice(0, MAX_LINES)) terminal.say(`${why.padEnd(12)} ${line(one)}`);
    if (all.length > MAX_LINES)
      terminal.say(`${why.padEnd(12)} and ${all.length - MAX_LINES} more: --json lists them`);
  }
  if (otherBuilds.length > 0) warnOfBuilds(terminal, otherBuilds);
  if (!isExplained(verdict)) warn(terminal, verdict);
  terminal.result("verify", {
    exit_code: exitCode,
    kernel: jsonObject({ build_id: set.kernel.buildId, release: set.kernel.release }),
    memory,
    fingerprints: source,
    functions,
    matched,
    bytes,
    modules: checked,
    not_loaded: notLoaded,
    other_builds: otherBuilds.map(({ name, wanted, found }) => jsonObject({ module: name, wanted, found })),
    ...Object.fromEntries(counts.map(([why, all]) => [why, all.length])),
    differing: differing.map(toJson),
    unread,
  });
}

function warnOfBuilds(terminal: Context["terminal"], others: PlacedModules["otherBuilds"]): void {
  const names = others.map(({ name }) => name).join(", ");
  terminal.notice(`error: the loaded build of ${names} is not the one that was fingerprinted`);
  terminal.notice(
    "hint: It is from another package, or a vendor's own. Make fingerprints of the file that was loaded.",
  );
}

function warn(terminal: Context["terminal"], { differing, unread }: KernelVerdict): void {
  const count = differing.filter(
    ({ reason }) => reason.why === "unexplained" || reason.why === "attached",
  ).length;
  terminal.notice(`error: ${counted(count, "function")} with differences that nothing explains`);
  terminal.notice(
    unread.length > 0
      ? `hint: ${unread.join(" and ")} could not be read and may explain some of them: mount debugfs and tracefs.`
      : "hint: Memory was changed by a rootkit, a foreign patch or a fault; compare with a fresh boot.",
  );
}

function line({ object, fn, result, reason }: LocatedDifference): string {
  const name = object === VMLINUX ? fn.name : `${object}/${fn.name}`;
  if ("by" in reason)
    return `${name} by ${reason.by.join(", ") || "a callback that the kernel does not name"}`;
  if (result.result === "attached") return `${name}: something is attached at its start`;
  const [first] = result.differences;
  const place = first === undefined ? name : `${name}+0x${first.offset.toString(16)}`;
  const expected = first?.expected === undefined ? "" : `expected ${first.expected.slice(0, 32)}, `;
  const more = result.differences.length > 1 ? `, and ${result.differences.length - 1} more places` : "";
  return `${place}: ${expected}found ${first?.found.slice(0, 32)}${more}`;
}

function toJson({ object, fn, result, reason }: LocatedDifference): JsonObject {
  const differences = result.result === "mismatch" ? result.differences : [];
  return jsonObject({
    object,
    function: fn.name,
    offset: fn.offset,
    ...reason,
    attached: result.result === "attached",
    places: differences.length,
    differences: differences
      .slice(0, MAX_PLACES)
      .map(({ offset, length, expected, found }) => jsonObject({ offset, length, expected, found })),
  });
}
