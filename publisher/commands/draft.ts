import { requireNew, writeNamed } from "../../node/cli/output.ts";
import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { updateId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { distributionOf } from "../../shared/feed/distribution.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { decodeManifest, encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Rollout } from "../../shared/feed/rollout.ts";
import type { Update } from "../../shared/feed/update.ts";
import { MAX_ARTIFACT_BYTES } from "../../shared/limits.ts";
import { dateOfMaking } from "../../shared/source_date.ts";
import { type Instant, parseInstant } from "../../shared/time.ts";
import type { PublisherContext } from "../context.ts";
import { landmarks } from "../fingerprint/landmarks.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import { type LivepatchModule, readLivepatchModule } from "../module/livepatch_module.ts";
import { type KernelAndModules, openWithModules } from "./kernel_input.ts";
import { targetObject } from "./target_object.ts";

/** The facts about an update that a person states on the command line. */
export interface UpdateOptions {
  readonly id: string;
  readonly summary: string;
  readonly cve: readonly string[];
  readonly depends: readonly string[];
  readonly conflicts: readonly string[];
  readonly supersedes: readonly string[];
  readonly replace: boolean;
  /** The number of hours over which the update reaches the hosts. */
  readonly rollout?: string;
  /** The time at which the first hosts get the update. Without it they get it at once. */
  readonly rolloutStart?: string;
  readonly effective?: string;
  readonly distribution?: string;
  readonly coverageEnds?: string;
}

export interface DraftOptions extends UpdateOptions {
  readonly image: string;
  readonly module: string;
  /** The packages, folders or files that hold the modules which the update changes. */
  readonly modules: readonly string[];
  readonly output: string;
  readonly force: boolean;
}

/** A manifest of one update that is not signed yet. */
export interface EncodedDraft {
  readonly update: Update;
  readonly encoded: Uint8Array;
}

/**
 * Makes a draft: a manifest of one update, with a fingerprint of every function that the module replaces. Which functions
 * those are is read from the module itself. Nothing is signed, so a person may read and edit the draft first.
 */
export async function draft(context: PublisherContext, options: DraftOptions): Promise<void> {
  const published = dateOfMaking(context);
  await requireNew(options.output, options.force);
  const bytes = await readNamed(options.module, MAX_ARTIFACT_BYTES);
  const changed = new Set<string>(readLivepatchModule(bytes).objects.map(({ object }) => object));
  const kernel = await openWithModules(options.image, options.modules, (name) => changed.has(name));
  const { update, encoded } = await makeDraft(kernel, bytes, options, published);
  await writeNamed(options.output, encoded);
  say(context.terminal, kernel.image, update, options);
}

/**
 * Makes the draft of one update, and refuses everything that a host would refuse.
 * @param bytes the livepatch module.
 * @throws RebootlessError `usage` for a module of another kernel, and as `decodeManifest`.
 */
export async function makeDraft(
  kernel: KernelAndModules,
  bytes: Uint8Array,
  options: UpdateOptions,
  published: Instant,
): Promise<EncodedDraft> {
  const { image } = kernel;
  const module = readLivepatchModule(bytes);
  requireSameKernel(image, module);
  const update: Update = {
    id: updateId(options.id),
    summary: options.summary,
    cves: options.cve,
    published,
    rollout: rolloutOf(options, published),
    effective: options.effective ?? null,
    depends: options.depends.map(updateId),
    conflicts: options.conflicts.map(updateId),
    recalled: null,
    engine: "livepatch",
    replace: options.replace,
    supersedes: options.supersedes.map(updateId),
    parts: [],
    module: { name: module.name, sha256: sha256Of(bytes), length: bytes.length },
    objects: await Promise.all(module.objects.map((target) => targetObject(kernel, target))),
  };
  const manifest: KernelManifest = {
    kernel: kernelFacts(image, options),
    landmarks: landmarks(image),
    updates: [update],
  };
  const encoded = encodeManifest(manifest);
  decodeManifest(encoded); // refuses what a host would refuse
  return { update, encoded };
}

/** Describes the kernel. A distribution named on the command line takes precedence over the one in the image's banner. */
function kernelFacts(
  image: KernelImage,
  { distribution = distributionOf(image.banner), coverageEnds }: UpdateOptions,
): KernelFacts {
  return {
    buildId: image.buildId,
    release: image.release,
    architecture: "x86_64",
    banner: image.banner,
    ...(distribution !== undefined && { distribution }),
    ...(coverageEnds !== undefined && { coverageEnds: parseInstant(coverageEnds) }),
  };
}

/** Returns the roll-out. Its bounds are not checked here but when the draft is read back, as a host would read it. */
function rolloutOf({ rollout, rolloutStart }: UpdateOptions, published: Instant): Rollout | null {
  if (rollout === undefined && rolloutStart === undefined) return null;
  const start = rolloutStart === undefined ? published : parseInstant(rolloutStart);
  return { start, hours: Number(rollout ?? 0) };
}

function say(
  terminal: PublisherContext["terminal"],
  image: KernelImage,
  update: Update,
  { output, ...options }: DraftOptions,
): void {
  const { distribution } = kernelFacts(image, options);
  const functions = update.objects.flatMap(({ functions: all }) =>
    all.map(({ name, size }) => `${name} (${counted(size, "byte")})`),
  );
  terminal.say(`kernel     ${image.release}, build ID ${image.buildId}`);
  if (distribution !== undefined) terminal.say(`           of ${distribution}`);
  terminal.say(`update     ${update.id}: ${update.summary}`);
  terminal.say(`module     ${update.module.name}, ${counted(update.module.length, "byte")}`);
  terminal.say(`replaces   ${functions.join(", ") || "nothing: it has only callbacks"}`);
  terminal.say(`draft      ${output}`);
  terminal.result("draft", {
    build_id: image.buildId,
    ...(distribution !== undefined && { distribution }),
    id: update.id,
    module: update.module.name,
    functions: functions.length,
    output,
  });
}

/**
 * Refuses a module that was built for another kernel release: the first word of its vermagic is the release of the
 * headers that it was built against. @throws RebootlessError `usage`.
 */
export function requireSameKernel(image: KernelImage, module: LivepatchModule): void {
  const [release = ""] = module.vermagic.split(" ");
  if (release === image.release) return;
  throw new RebootlessError(
    "usage",
    `${module.name} was built for ${release}, but the image is ${image.release}${localVersions(release, image.release)}`,
    { hint: releaseHint(release, image.release) },
  );
}

/** The version in a release, such as `7.3.4` or `6.19-rc2`. What follows is the local version. */
const VERSION = /^\d+(?:\.\d+)*(?:-rc\d+)?(?![0-9.])/;

/** Says how two releases differ that are of one version of Linux, or nothing. */
function localVersions(built: string, running: string): string {
  const version = VERSION.exec(running)?.[0];
  if (version === undefined || version !== VERSION.exec(built)?.[0]) return "";
  const local = (release: string): string => JSON.stringify(release.slice(version.length));
  return `: the version is the same, the local version is not (${local(built)} and ${local(running)})`;
}

function releaseHint(built: string, running: string): string {
  // scripts/setlocalversion appends the plus unless make is given LOCALVERSION.
  if (built === `${running}+`)
    return "The plus says that the source is not at a release's tag. Build with `make LOCALVERSION=`.";
  return "Build the module against the headers of exactly this kernel.";
}
