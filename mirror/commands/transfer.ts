import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { requireNew, writeNamed } from "../../node/cli/output.ts";
import type { Terminal } from "../../node/cli/terminal.ts";
import { readNamed } from "../../node/files.ts";
import { saneTime } from "../../node/transport/freshness.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/json.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { dateOfMaking } from "../../shared/source_date.ts";
import type { Instant } from "../../shared/time.ts";
import { type ChangeSummary, summaryOf } from "../change_summary.ts";
import type { Context } from "../context.ts";
import { exportMirror } from "../export_transfer.ts";
import { importTransfer } from "../import_transfer.ts";
import { MirrorDir } from "../mirror_dir.ts";
import { decodeState, encodeState, stateOf } from "../mirror_state.ts";
import { openTrust, provision } from "../mirror_trust.ts";
import { openTransfer, partsOf } from "../transfer_parts.ts";
import { log, mirrorFreshness, remindOfSite } from "./import_report.ts";

export interface MirrorStateOptions {
  readonly output: string;
  readonly force?: boolean;
}

export interface MirrorExportOptions {
  readonly since?: string;
  readonly output: string;
  readonly force?: boolean;
  readonly split?: string;
}

export interface MirrorImportOptions {
  readonly root?: string;
  readonly acceptStale?: string;
}

const MAX_STATE_FILE = 32 * 1024 * 1024;
/** The largest number of bytes of a part's headers and padding. */
const PART_OVERHEAD = 4096;
/** The number of names that a list for people shows. */
const SHOWN = 20;

/** Writes the state of a mirror into a file, for the machine on which a transfer is made. */
export async function mirrorState(
  context: Context,
  folder: string,
  { output, force }: MirrorStateOptions,
): Promise<void> {
  const { terminal } = context;
  await requireNew(output, force);
  const dir = new MirrorDir(folder);
  await dir.requireMirror();
  const release = await dir.lock();
  try {
    const { version } = await openTrust(dir);
    const state = await stateOf(dir, (await dir.index()) ?? new Map(), version, dateOf(context));
    const bytes = encodeState(state);
    await writeNamed(output, bytes);
    terminal.say(
      `state      ${output}, ${counted(bytes.length, "byte")}: ${counted(state.kernels.size, "kernel")}, ${state.digest}`,
    );
    const answer = { output, bytes: bytes.length, kernels: state.kernels.size, digest: state.digest };
    terminal.result("mirror state", answer);
  } finally {
    release();
  }
}

/** Writes everything that another mirror lacks into one file, or into parts. */
export async function mirrorExport(
  context: Context,
  folder: string,
  { since, output, force, split }: MirrorExportOptions,
): Promise<void> {
  const { terminal } = context;
  const old = split === undefined ? [] : await partsOf(resolve(output));
  await requireNew(old[0] ?? output, force);
  const dir = new MirrorDir(folder);
  await dir.requireMirror();
  const base = since === undefined ? undefined : await decodeState(await readNamed(since, MAX_STATE_FILE));
  const size = split === undefined ? undefined : partSize(split);
  const release = await dir.lock();
  try {
    const now = dateOf(context);
    const made = await exportMirror({ dir, since: base, output: resolve(output), split: size, now });
    const carried = summaryOf(made.changes);
    const { transfer, digest, written, bytes, roots } = made;
    // Parts of an older transfer would be taken for parts of this one.
    for (const part of old) if (!written.includes(part)) await rm(part, { force: true });
    for (const path of written) terminal.say(`file       ${path}`);
    terminal.say(
      `size       ${counted(bytes, "byte")}, ${counted(transfer.files.length, "file")} in ${counted(written.length, "part")}`,
    );
    summary(terminal, transfer.kernels.length, transfer.renewed, roots, carried);
    terminal.say(`digest     ${spoken(digest)}`);
    terminal.result("mirror export", {
      files: [...written],
      bytes,
      kernels: [...transfer.kernels],
      renewed: transfer.renewed,
      roots: [...roots],
      ...jsonOf(carried),
      digest,
    });
  } finally {
    release();
  }
}

/**
 * Returns the time that a state or a transfer gives as the time of its making.
 *
 * @throws RebootlessError `clock`, `usage`.
 */
const dateOf = ({ clock, sourceDate }: Context): Instant =>
  dateOfMaking({ clock: () => saneTime(clock, undefined), sourceDate });

/** Imports a transfer into a mirror. @param things the transfer's file or parts, then the folder. */
export async function mirrorImport(
  context: Context,
  things: readonly string[],
  options: MirrorImportOptions,
): Promise<void> {
  const { terminal } = context;
  const files = things.slice(0, -1);
  const folder = things.at(-1);
  if (folder === undefined || files.length === 0) {
    throw new RebootlessError("usage", "expected a transfer and a folder", {
      hint: "`rebootless mirror import FILE DIR`",
    });
  }
  const dir = new MirrorDir(folder);
  const stream = await openTransfer(files);
  if (options.root !== undefined) await provision(dir, await readNamed(options.root, MAX_ROOT_BYTES));
  await dir.requireMirror();
  const release = await dir.lock();
  try {
    const freshness = mirrorFreshness(context, options.acceptStale);
    const imported = await importTransfer({ dir, stream, freshness, progress: terminal.progress });
    const { digest } = imported;
    terminal.say(`digest     ${spoken(digest)}`);
    if (imported.kind === "known") {
      terminal.say("Nothing to do: the mirror has all of it.");
      return terminal.result("mirror import", { digest, kernels: [], renewed: 0, known: true });
    }
    const { transfer, importing, changes, roots } = imported;
    const carried = summaryOf(changes);
    await log(dir, importing.upstream, freshness, importing, { transfer: digest });
    summary(terminal, transfer.kernels.length, transfer.renewed, roots, carried);
    remindOfSite(context, importing);
    terminal.result("mirror import", {
      digest,
      known: false,
      kernels: [...transfer.kernels],
      renewed: transfer.renewed,
      roots: [...roots],
      ...jsonOf(carried),
    });
  } finally {
    release();
  }
}

function summary(
  terminal: Terminal,
  changed: number,
  renewed: number,
  roots: readonly number[],
  { updates, cves, recalled }: ChangeSummary,
): void {
  terminal.say(`kernels    ${changed} changed, ${renewed} signed again`);
  if (roots.length > 0) terminal.say(`roots      version ${roots.join(", ")}`);
  terminal.say(`updates    ${listed(updates)}`);
  terminal.say(`CVEs       ${listed(cves)}`);
  if (recalled.length > 0) terminal.say(`recalled   ${listed(recalled)}`);
}

const listed = (names: readonly string[]): string =>
  [names.length, ...names.slice(0, SHOWN), ...(names.length > SHOWN ? ["…"] : [])].join(" ");

const jsonOf = ({ updates, cves, recalled }: ChangeSummary): Record<string, JsonValue> => ({
  updates: [...updates],
  cves: [...cves],
  recalled: [...recalled],
});

/** Writes a digest in groups that can be read over a telephone. */
const spoken = (digest: string): string => digest.match(/.{8}/g)?.join(" ") ?? digest;

const UNITS: Readonly<Record<string, number>> = { k: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Reads `1440k`, `700M`, `4G`. */
function partSize(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([kMG])$/.exec(text) ?? [];
  const size = Number(digits) * (UNITS[unit ?? ""] ?? 0) - PART_OVERHEAD;
  if (size >= PART_OVERHEAD) return size;
  throw new RebootlessError("usage", `not the size of a part: ${text}`, {
    hint: "Such as 1440k, 700M or 4G.",
  });
}
