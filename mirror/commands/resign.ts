import { openSsl } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { saneTime } from "../../node/transport/freshness.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { DAY, formatInstant, parseDuration } from "../../shared/time.ts";
import { onlineKeys } from "../../shared/tuf/online_keys.ts";
import type { Context } from "../context.ts";
import { MirrorDir } from "../mirror_dir.ts";
import { resign } from "../resign.ts";

export interface MirrorResignOptions {
  readonly key: string;
  readonly expires: string;
}

const MAX_KEY_FILE = 64 * 1024;
/** The same limit as for accept_stale: a courier who takes longer than a quarter is too late. */
const MAX_LIFETIME = 90 * DAY;

/** Signs the timestamps of a mirror with a key of the site. */
export async function mirrorResign(
  { terminal, clock }: Context,
  folder: string,
  options: MirrorResignOptions,
): Promise<void> {
  const dir = new MirrorDir(folder);
  await dir.requireMirror();
  const lifetime = parseDuration(options.expires);
  if (lifetime === undefined || lifetime <= 0 || lifetime > MAX_LIFETIME) {
    throw new RebootlessError("usage", `not a lifetime of timestamps: ${options.expires}`, {
      hint: "Such as 14d; at most 90d.",
    });
  }
  const keys = await onlineKeys(await readNamed(options.key, MAX_KEY_FILE), openSsl).catch(
    (cause: unknown) => {
      throw new RebootlessError("usage", `${options.key} is not a key`, {
        cause,
        hint: "`rebootless-publish keys export KEY -o FILE` writes one in this form.",
      });
    },
  );
  const release = await dir.lock();
  try {
    const { kernels, expired, until } = await resign({
      dir,
      keys,
      now: saneTime(clock, undefined),
      lifetime,
    });
    if (expired.length > 0) {
      terminal.notice(
        `warning: snapshot or targets of ${counted(expired.length, "kernel")} has expired, and only the feed can sign those`,
      );
    }
    const end = until === undefined ? "" : `, until ${formatInstant(until)} or longer`;
    terminal.say(`signed     ${counted(kernels.length, "kernel")}${end}`);
    terminal.result("mirror resign", {
      kernels: kernels.length,
      expired: [...expired],
      until: until === undefined ? null : formatInstant(until),
    });
  } finally {
    release();
  }
}
