import { sha256Of } from "../../node/crypto.ts";
import { VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { type Clock, MINUTE } from "../../shared/time.ts";
import { bootForTrial } from "./boot_for_trial.ts";
import { CLIENT_IN_GUEST, ROOT_IN_GUEST } from "./client_files.ts";
import type { GuestKernel } from "./guest/guest_kernel.ts";
import type { GuestFile } from "./guest/initramfs.ts";
import { type Accelerator, DEFAULT_CPU } from "./guest/qemu.ts";
import type { Verdict } from "./judge.ts";
import { LoadDisk } from "./load_disk.ts";
import { LOAD_IN_GUEST, LOAD_MODULES, SYSTEM_LOAD } from "./system_load.ts";
import { throwawayFeed } from "./throwaway_feed.ts";
import type { StepName } from "./trial.ts";
import { type PlannedStep, TrialRun } from "./trial_run.ts";
import type { TriedDraft } from "./tried.ts";

/** What a draft is tried with. */
export interface TryOptions {
  readonly kernel: GuestKernel;
  /** The host's program. */
  readonly client: readonly GuestFile[];
  /** The publisher's own script or program: it fails without the update, and passes with it. */
  readonly exercise: Uint8Array | undefined;
  /** For how many minutes system calls are made with the update; 0 for once. */
  readonly loadMinutes: number;
  readonly accelerator: Accelerator | "auto";
  /** A CPU model of QEMU's. */
  readonly cpu: string | undefined;
  readonly clock: Clock;
  readonly progress: (line: string) => void;
}

const FEED = "/root/feed";
const EXERCISE = "/root/exercise";

/** The time for a step, in milliseconds. Under emulation Node starts in some 5 s, and a transition takes a few. */
const CLIENT_TIMEOUT_MS = 300_000;
const LOAD_TIMEOUT_MS = 240_000;
const EXERCISE_TIMEOUT_MS = 300_000;

/**
 * Tries a draft: boots its kernel, and has the host's own client match, apply and undo its updates there.
 * @param draft the bytes of the draft.
 * @param artifacts the modules that it names.
 * @throws RebootlessError `io` if the guest does not boot; `unsupported` if a program is missing, or if the kernel does not
 * stand the load even without the update.
 */
export async function tryDraft(
  draft: Uint8Array,
  artifacts: readonly Uint8Array[],
  options: TryOptions,
): Promise<TriedDraft> {
  const manifest = decodeManifest(draft);
  const { buildId } = manifest.kernel;
  const feed = await throwawayFeed(buildId, draft, artifacts, options.clock);
  const files: readonly GuestFile[] = [
    ...options.client,
    { path: ROOT_IN_GUEST, content: feed.root },
    { path: LOAD_IN_GUEST, content: SYSTEM_LOAD },
    ...[...feed.files].map(([path, content]) => ({ path: `${FEED}/${path}`, content })),
    ...(options.exercise === undefined ? [] : [{ path: EXERCISE, content: options.exercise, mode: 0o755 }]),
  ];
  const disk = new LoadDisk();
  const guest = {
    kernel: options.kernel,
    files,
    disks: [disk.path],
    modules: [...LOAD_MODULES, ...targetModules(manifest)],
    append: "log_buf_len=1M",
    ...(options.cpu !== undefined && { cpu: options.cpu }),
  };
  const run = new TrialRun(() => bootForTrial(guest, options.accelerator), options.progress);
  try {
    if (options.exercise !== undefined) await run.inGuest([exercise("exercise_before")]);
    await run.inGuest(plan(manifest, options));
  } finally {
    disk.remove();
  }
  requireSoundKernel(run.verdict);
  return triedOf(manifest, run, options);
}

/** Lists the modules that the updates change. They are loaded before, so that their functions are compared too. */
const targetModules = ({ updates }: KernelManifest): readonly string[] =>
  updates.flatMap(({ objects }) => objects.map(({ name }) => name)).filter((name) => name !== VMLINUX);

function plan(
  { updates }: KernelManifest,
  { exercise: exerciseBytes, loadMinutes }: Pick<TryOptions, "exercise" | "loadMinutes">,
): readonly PlannedStep[] {
  const ids = updates.map(({ id }) => id);
  const client = (step: StepName, text: string, ...args: readonly string[]): PlannedStep => ({
    step,
    text,
    script: ["node", CLIENT_IN_GUEST, ...args, "--json"],
    timeoutMs: CLIENT_TIMEOUT_MS,
  });
  const load = (step: StepName, text: string): PlannedStep => ({
    step,
    text,
    script: ["sh", LOAD_IN_GUEST],
    timeoutMs: LOAD_TIMEOUT_MS,
  });
  return [
    load("load_before", "system calls without the update"),
    client("set_up", "setting the host's client up", "init", "--feed", FEED, "--root", ROOT_IN_GUEST),
    client("match", "matching the running kernel", "upgrade", ...ids, "--dry-run"),
    { ...client("apply", "applying", "upgrade", ...ids), isChange: true },
    {
      ...load("load", "system calls with the update"),
      script: loadFor(loadMinutes),
      timeoutMs: LOAD_TIMEOUT_MS + loadMinutes * MINUTE,
    },
    ...(exerciseBytes !== undefined ? [exercise("exercise")] : []),
    { ...client("undo", "undoing", "undo", ...ids), isChange: true },
    { ...client("apply_again", "applying again", "upgrade", ...ids), isChange: true },
    load("load_again", "system calls with the update, again"),
  ];
}

/** Returns a script that makes system calls again and again for some minutes, but at least once. */
const loadFor = (minutes: number): string =>
  `end=$(($(date +%s) + ${minutes * 60}))
while sh ${LOAD_IN_GUEST}; do
  [ $(date +%s) -ge $end ] && exit 0
done
exit 1`;

const exercise = (step: "exercise_before" | "exercise"): PlannedStep => ({
  step,
  text: step === "exercise" ? "your script, with the update" : "your script, without the update",
  script: [EXERCISE],
  timeoutMs: EXERCISE_TIMEOUT_MS,
});

/** Refuses to judge a draft by a kernel that does not stand the load without it. @throws RebootlessError `unsupported`. */
function requireSoundKernel(verdict: Verdict): void {
  if (verdict.verdict === "ok" || (verdict.step !== "boot" && verdict.step !== "load_before")) return;
  throw new RebootlessError(
    "unsupported",
    `the kernel cannot be tried here, as it is not sound without the update: ${verdict.detail}`,
    { output: verdict.lines },
  );
}

function triedOf({ kernel, updates }: KernelManifest, run: TrialRun, options: TryOptions): TriedDraft {
  const modules = updates.flatMap(({ module, parts }) => [module, ...parts]);
  const { accelerator, records, changes, verdict } = run;
  return {
    when: options.clock(),
    kernel: { buildId: kernel.buildId, release: kernel.release },
    modules: modules.map(({ name, sha256 }) => ({ name, sha256 })),
    machine: { accelerator, cpu: options.cpu ?? (accelerator === "kvm" ? "host" : DEFAULT_CPU) },
    exercise: options.exercise === undefined ? null : sha256Of(options.exercise),
    steps: records.map(({ step, ms }) => ({ step, ms })),
    changes,
    verdict,
  };
}
