import { pathToFileURL } from "node:url";
import { sha256Of } from "../node/crypto.ts";
import { folderFeed } from "../node/transport/folder_feed.ts";
import type { Freshness } from "../node/transport/freshness.ts";
import type { ByteStream } from "../shared/archive/byte_stream.ts";
import { tarFiles } from "../shared/archive/tar.ts";
import type { BuildId, Sha256Hex } from "../shared/brand.ts";
import { counted } from "../shared/counted.ts";
import { Decoder } from "../shared/decode.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { artifactsIn } from "../shared/feed/artifacts.ts";
import { decodeManifest } from "../shared/feed/manifest.ts";
import { artifactPath, rootPath } from "../shared/feed/paths.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import { MAX_ROOT_BYTES, MAX_SMALL_VALUES } from "../shared/limits.ts";
import { formatInstant } from "../shared/time.ts";
import { briefUpdates, type UpdatesChange } from "./change_summary.ts";
import { KernelImport } from "./kernel_import.ts";
import { type MirrorDir, OWN } from "./mirror_dir.ts";
import { digestOf, stateOf } from "./mirror_state.ts";
import { openTrust } from "./mirror_trust.ts";
import { readSiteTimestamps } from "./site_timestamps.ts";
import { writeRoots } from "./sync.ts";
import {
  decodeRenewalsFile,
  decodeTransfer,
  MAX_RENEWALS_FILE_BYTES,
  MAX_TRANSFER_FILES,
  TRANSFER,
  type Transfer,
} from "./transfer.ts";
import { INCOMING, unpack, wants } from "./unpacked_transfer.ts";
import { Upstream } from "./upstream.ts";

export interface ImportOptions {
  readonly dir: MirrorDir;
  readonly stream: ByteStream;
  readonly freshness: Freshness;
  readonly progress: (line: string) => void;
}

export type Imported =
  /** The mirror has everything in the transfer already. */
  | { readonly kind: "known"; readonly digest: Sha256Hex }
  | {
      readonly kind: "imported";
      readonly digest: Sha256Hex;
      readonly transfer: Transfer;
      readonly importing: KernelImport;
      readonly changes: readonly UpdatesChange[];
      readonly roots: readonly number[];
    };

/**
 * The file that names the transfer that is being put in place. If that was cut short, the same transfer may
 * be imported again.
 */
const PENDING = "importing.json";
const MAX_PENDING = 4096;

/**
 * Imports a transfer into a mirror, whole or not at all. It is unpacked beside the mirror, every file is
 * compared with transfer.json, and everything is verified as in a sync. Only then is anything put in place.
 *
 * @throws RebootlessError `usage` for a transfer that was made for another state, `trust` for one that does
 * not verify.
 */
export async function importTransfer(options: ImportOptions): Promise<Imported> {
  const { dir, stream, freshness } = options;
  await dir.files.remove(INCOMING);
  try {
    return await take(options);
  } catch (error) {
    if (!isCode(error, "parse")) throw error;
    throw new RebootlessError("trust", "this is not a transfer, or it was damaged on its way", {
      cause: error,
      hint: "Nothing was changed. Copy it again, or have it exported again.",
      details: { at: formatInstant(freshness.now) },
    });
  } finally {
    await stream.close();
    await dir.files.remove(INCOMING);
  }
}

async function take(options: ImportOptions): Promise<Imported> {
  const { dir, stream, freshness, progress } = options;
  const files = tarFiles(stream, wants, MAX_TRANSFER_FILES + 1);
  const head = await files.next();
  if (head.done || head.value.path !== TRANSFER) {
    throw new RebootlessError("trust", `this is not a transfer: it does not begin with ${TRANSFER}`);
  }
  const transfer = decodeTransfer(head.value.bytes);
  const digest = sha256Of(head.value.bytes);
  const trust = await openTrust(dir);
  const index = (await dir.index()) ?? new Map();
  const here = await stateOf(dir, index, trust.version, freshness.now);
  const pending = await pendingOf(dir);
  if (here.digest === transfer.result && pending === undefined) return { kind: "known", digest };
  if (pending !== digest) requireBase(transfer, here.digest, index.size > 0);
  await unpack(files, transfer, dir, progress);

  const upstream = new Upstream(folderFeed(`${pathToFileURL(dir.path).href}/${INCOMING}/`));
  const batch = await dir.batch();
  const damaged = { kernels: new Set<string>(), artifacts: new Set<string>() };
  const changes: UpdatesChange[] = [];
  const named = new Set<string>();
  const importing = new KernelImport(
    { dir, upstream, trust, index, freshness, damaged, site: await readSiteTimestamps(dir), keepOld: false },
    batch,
    (before, after) => {
      const had = before && briefUpdates(decodeManifest(before.manifest));
      changes.push({ before: had, after: briefUpdates(after) });
      for (const { sha256 } of artifactsIn(after)) named.add(artifactPath(sha256));
    },
  );
  const carriesRoots = new Set(
    transfer.files.map(({ path }) => path).filter((path) => path.startsWith("root/")),
  );
  const roots = await trust.follow(async (version) => {
    const path = rootPath(version);
    return carriesRoots.has(path) ? dir.read(`${INCOMING}/${path}`, MAX_ROOT_BYTES) : undefined;
  });
  await writeRoots(dir, trust, batch);
  for (const id of transfer.kernels) await importing.fetch(id);
  await renew(importing, transfer);
  requireNoFault(importing);
  requireUse(transfer, named);
  await requireResult(transfer, importing);

  await dir.writeOwn(PENDING, encodeJson(jsonObject({ format: 1, transfer: digest })));
  await importing.commit();
  await dir.writeIndex(index);
  await dir.files.remove(`${OWN}/${PENDING}`);
  return { kind: "imported", digest, transfer, importing, changes, roots };
}

function requireBase({ base, made }: Transfer, here: Sha256Hex, hasKernels: boolean): void {
  if (base === null || base === here) return;
  throw new RebootlessError(
    "usage",
    hasKernels
      ? "this transfer does not follow the mirror's state: an earlier one is missing, or a later one was imported"
      : "this transfer follows others, and the mirror is empty",
    {
      hint: `It was made ${formatInstant(made)} for a mirror in state ${base.slice(0, 16)}, this one is in ${here.slice(0, 16)}. Import in the order in which they were made, or carry \`rebootless mirror state\` out for another. Nothing was changed.`,
      details: { base, here },
    },
  );
}

/**
 * Imports kernels that were only signed again. Each may appear once, none may be among those that changed,
 * and there must be as many as the transfer states.
 */
async function renew(importing: KernelImport, { files, kernels, renewed }: Transfer): Promise<void> {
  const seen = new Set<BuildId>(kernels);
  for (const { path } of files.filter((file) => file.path.startsWith("timestamps/"))) {
    const bytes = await importing.dir.read(`${INCOMING}/${path}`, MAX_RENEWALS_FILE_BYTES);
    const renewals = decodeRenewalsFile(bytes ?? new Uint8Array());
    for (const renewal of renewals) {
      if (seen.has(renewal.buildId)) {
        throw new RebootlessError("trust", `the transfer has kernel ${renewal.buildId} twice`);
      }
      seen.add(renewal.buildId);
      if ((await importing.renew(renewal)) === "done") continue;
      throw new RebootlessError(
        "trust",
        `the transfer renews kernel ${renewal.buildId}, which is of another version here`,
      );
    }
  }
  const had = seen.size - kernels.length;
  if (had !== renewed) {
    throw new RebootlessError(
      "trust",
      `the transfer states ${counted(renewed, "kernel")} signed again, and has ${had}`,
    );
  }
}

/**
 * Refuses a transfer with an artifact that no kernel of it names, because such an artifact would be dropped
 * silently.
 */
function requireUse({ files }: Transfer, named: ReadonlySet<string>): void {
  const idle = files.find(({ path }) => path.startsWith("artifacts/") && !named.has(path));
  if (idle)
    throw new RebootlessError("trust", `the transfer carries ${idle.path}, which no kernel of it names`);
}

/**
 * Refuses a transfer that leads to another state than it states. A transfer that was made for any mirror
 * states only what it holds itself, and the mirror may have more.
 */
async function requireResult(
  { base, kernels, files, result }: Transfer,
  importing: KernelImport,
): Promise<void> {
  const { outcome, trust } = importing;
  const own = new Set(kernels);
  const counted = base === null ? [...outcome].filter(([id]) => own.has(id)) : [...outcome];
  const root = base === null ? newestRoot(files) : trust.version;
  if (digestOf(root, new Map(counted)) === result) return;
  throw new RebootlessError("trust", "this transfer leads to another state than it states", {
    hint: "Nothing was put in place. Have it exported again, from a mirror that `rebootless mirror verify` finds sound.",
  });
}

/**
 * Returns the newest root of a transfer. Version 1 never travels, because every mirror was given it at the
 * start.
 */
const newestRoot = (files: Transfer["files"]): number =>
  files
    .map(({ path }) => Number(/^root\/(\d+)\.root\.json$/.exec(path)?.[1] ?? 1))
    .reduce((newest, version) => Math.max(newest, version), 1);

function requireNoFault({ faults, notCovered }: KernelImport): void {
  const [fault] = faults;
  const [missing] = notCovered;
  if (missing !== undefined)
    throw new RebootlessError("trust", `the transfer names kernel ${missing} and lacks it`);
  if (!fault) return;
  const { error, buildId: id } = fault;
  throw new RebootlessError(error.code, `kernel ${id} of the transfer: ${error.message}`, {
    cause: error.cause,
    hint:
      error.code === "expired"
        ? "The metadata expired on the way. `--accept-stale 30d` accepts it all the same, and hosts need accept_stale too."
        : "Nothing of it was put in place.",
  });
}

/** Returns the digest of the transfer whose files were being put in place when a run was cut short. */
async function pendingOf(dir: MirrorDir): Promise<string | undefined> {
  const bytes = await dir.readOwn(PENDING, MAX_PENDING);
  if (!bytes) return undefined;
  try {
    return new Decoder(parseJson(bytes, PENDING, MAX_SMALL_VALUES), PENDING).get("transfer").string();
  } catch {
    return "unknown"; // The file is damaged, so that any transfer has to follow the state that is here.
  }
}
