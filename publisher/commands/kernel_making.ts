import { counted } from "../../shared/counted.ts";
import { Decoder } from "../../shared/decode.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { groupBy } from "../../shared/group_by.ts";
import { type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { selfAnswer } from "./run_self.ts";

/** What became of one kernel. */
export type KernelMaking =
  | { readonly kind: "made"; readonly id: string | undefined }
  /** The patch changes no code of this kernel. */
  | { readonly kind: "unchanged" }
  /** The source has all that the patch does. */
  | { readonly kind: "already in" }
  | { readonly kind: "does not apply"; readonly reason: string }
  /** There are no headers, or no source of the same version. */
  | { readonly kind: "not built"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string; readonly exitCode: number };

/** A kernel in the table of outcomes. */
export interface KernelRow {
  readonly kernel: ServedKernel;
  readonly outcome: KernelMaking;
  /** The folder with module, draft and report, if there is one. */
  readonly folder: string | undefined;
}

/** What a run of `create --json` ended with. */
interface EndedRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_REASON = 64 * 1024;

/** Reads what a run of `create --json` says of its kernel. */
export function makingOf({ code, stdout, stderr }: EndedRun): KernelMaking {
  const answer = selfAnswer(stdout);
  if (answer === undefined)
    return { kind: "failed", reason: stderr.trim().split("\n").at(-1) ?? "", exitCode: code || EXIT.error };
  if (code === EXIT.ok) return { kind: "made", id: answer.get("id").optional((id) => id.string()) };
  if (code === EXIT.unchanged) return { kind: "unchanged" };
  const reason = answer.get("error").get("message").string(MAX_REASON);
  if (code === EXIT.notLive) return { kind: "refused", reason };
  const outcome = answer.get("outcome").optional((text) => text.string());
  if (outcome === "already_in") return { kind: "already in" };
  if (outcome === "does_not_apply") return { kind: "does not apply", reason };
  return { kind: "failed", reason, exitCode: code };
}

/**
 * Returns the exit code of all kernels: that of the first that failed; else 16 if any is refused; else 18 if any gets
 * no update although it may need it; else 17 if there was nothing to make.
 */
export function worstExit(outcomes: readonly KernelMaking[]): number {
  for (const outcome of outcomes) if (outcome.kind === "failed") return outcome.exitCode;
  const has = (...kinds: readonly KernelMaking["kind"][]): boolean =>
    outcomes.some(({ kind }) => kinds.includes(kind));
  if (has("refused")) return EXIT.notLive;
  if (has("does not apply", "not built")) return EXIT.leftOut;
  return has("made") ? EXIT.ok : EXIT.unchanged;
}

/** Returns a line of the table. */
export function rowText({ kernel, outcome, folder }: KernelRow): string {
  const detail = "reason" in outcome ? outcome.reason : folder;
  const words = [kernel.release.padEnd(32), kernel.image.version.padEnd(20), outcome.kind.padEnd(14)];
  return [...words, detail ?? ""].join(" ").trimEnd();
}

/** Counts the outcomes: "3 kernels: 2 made, 1 already in". */
export function countedRows(rows: readonly KernelRow[]): string {
  const groups = groupBy(rows, ({ outcome }) => outcome.kind);
  const counts = [...groups].map(([kind, own]) => `${own.length} ${kind}`);
  return `${counted(rows.length, "kernel")}: ${counts.join(", ")}`;
}

/** Returns a row as an object of the answer. */
export function rowJson({ kernel, outcome, folder }: KernelRow): JsonObject {
  const { kind, ...more } = outcome;
  const exit = "exitCode" in more ? { exit_code: more.exitCode } : {};
  return jsonObject({
    release: kernel.release,
    version: kernel.image.version,
    build_id: kernel.buildId,
    outcome: kind.replaceAll(" ", "_"),
    ...("id" in more && { id: more.id }),
    ...("reason" in more && { reason: more.reason }),
    ...exit,
    folder,
  });
}

/** A row that was written down, and a digest of what was asked for. */
export interface RecordedRow extends KernelRow {
  readonly asked: string;
}

/** Reads a row that was written down. What failed is not, because another run may come to something else. @throws ParseError */
export function decodeRow(bytes: Uint8Array, file: string, kernel: ServedKernel): RecordedRow {
  const row = new Decoder(parseJson(bytes, file, MAX_REASON * 2), file);
  const folder = row.get("folder").optional((text) => text.string());
  return { kernel, outcome: outcomeIn(row), folder, asked: row.get("asked").string() };
}

function outcomeIn(row: Decoder): KernelMaking {
  const reason = (): string => row.get("reason").string(MAX_REASON);
  const kind = row.get("outcome").string();
  switch (kind) {
    case "made":
      return { kind, id: row.get("id").optional((id) => id.string()) };
    case "unchanged":
      return { kind };
    case "already_in":
      return { kind: "already in" };
    case "does_not_apply":
      return { kind: "does not apply", reason: reason() };
    case "refused":
      return { kind, reason: reason() };
    default:
      return row.get("outcome").fail(`${kind} is no outcome`);
  }
}
