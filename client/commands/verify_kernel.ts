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
  /** Files made by `rebootless-publish fingerprint`, in place of what the feed has. */
  readonly fingerprints?: readonly string[];
  /** A core file to look at, in place of the running kernel. */
  readonly kcore?: string;
}

/** Lines shown to a person of each kind. */
const MAX_LINES = 40;
/** Places named of one function. */
const MAX_PLACES = 8;

/**
 * Says whether a kernel's code is what it should be: every function that is not, and why. What the kernel itself knows of
 * (a live patch, a tracer, a probe) is an answer; anything else ends with the exit code of run-pre matching.
 */
export async function verifyKernel(
  context: Context,
  things: readonly string[],
  options: VerifyKernelOptions,
): Promise<void> {
  if (things.length > 0) throw new RebootlessError("usage", "--kernel takes no further arguments");
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

/** A core file does not say where its modules lie: /sys does, of the kernel that runs. */
function placeAll({ set, modules, source }: Fingerprints, memory: TextMemory, runs: boolean): PlacedModules {
  if (runs) return placeModules(modules, set.landmarks, memory, runningModules());
  const named = modules.map(({ object }) => object.name);
  if (named.length > 0) {
    throw new RebootlessError(
      "usage",
      `${source}: modules (${named.join(", ")}) are not found in a core file`,
      {
        hint: "Only those of the running kernel can be: leave their files out, or --kcore.",
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

/** In a core file there is nobody to ask who attached something. */
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
      `other build  ${name}: ${found ?? "without a build ID"} is loaded, the fingerprints are of ${wanted}`,
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
  terminal.notice(`error: ${names}: loaded in another build than was fingerprinted`);
  terminal.notice(
    "hint: A module of another package, or a vendor's own: fingerprint the file that was loaded.",
  );
}

function warn(terminal: Context["terminal"], { differing, unread }: KernelVerdict): void {
  const count = differing.filter(
    ({ reason }) => reason.why === "unexplained" || reason.why === "attached",
  ).length;
  terminal.notice(
    `error: not the code that it should be, and nothing says why: ${counted(count, "function")}`,
  );
  terminal.notice(
    unread.length > 0
      ? `hint: ${unread.join(" and ")} could not be read, which may explain some: mount debugfs and tracefs.`
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
