import { hasErrno } from "../../node/errno.ts";
import { saneTime } from "../../node/transport/freshness.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { jsonObject } from "../../shared/json.ts";
import type { Context } from "../context.ts";
import { writeDamage } from "../damage.ts";
import { MirrorDir } from "../mirror_dir.ts";
import { type FileFault, verifyMirror } from "../verify_mirror.ts";

/** Verifies every file of a mirror, and notes what is wrong for the next sync. It makes no request. */
export async function mirrorVerify({ terminal, clock, exitWith }: Context, folder: string): Promise<void> {
  const dir = new MirrorDir(folder);
  await dir.requireMirror();
  const release = await dir.lock().catch(onReadOnly);
  try {
    const now = saneTime(clock, undefined);
    const checked = await verifyMirror(dir, now, terminal.progress);
    const { faults, expired, kernels, files } = checked;
    if (release && faults.length > 0) await noteDamage(dir, faults);
    for (const { path, problem, why } of faults) terminal.say(`${problem.padEnd(10)} ${path}: ${why}`);
    if (expired.length > 0)
      terminal.say(`expired    ${counted(expired.length, "kernel")}: sound, but expired`);
    terminal.say(
      `verified   ${counted(files, "file")} of ${counted(kernels, "kernel")}, ${counted(faults.length, "fault")}`,
    );
    const answer = {
      kernels,
      files,
      expired: [...expired],
      faults: faults.map(({ path, problem, why }) => jsonObject({ path, problem, why })),
    };
    if (faults.length > 0) {
      throw new RebootlessError(
        "trust",
        `${dir.path} is not as it should be: ${counted(faults.length, "file")}`,
        {
          hint: release
            ? "The next `rebootless mirror sync` repairs what is named here."
            : "It cannot be written to: make a new copy of it.",
          answer,
        },
      );
    }
    if (expired.length > 0) exitWith(EXIT.expired);
    terminal.result("mirror verify", answer);
  } finally {
    release?.();
  }
}

/** Lets a stick that cannot be written to be verified without a lock: no other run can change it either. */
function onReadOnly(error: unknown): undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (hasErrno(cause, "EROFS", "EACCES", "EPERM")) return undefined;
  throw error;
}

async function noteDamage(dir: MirrorDir, faults: readonly FileFault[]): Promise<void> {
  await writeDamage(dir, {
    kernels: [...new Set(faults.flatMap(({ kernel }) => kernel ?? []))],
    artifacts: faults.flatMap(({ artifact, kernel }) => (kernel === null ? [] : (artifact ?? []))),
    remove: faults.filter(({ kernel }) => kernel === null).map(({ path }) => path),
  });
}
