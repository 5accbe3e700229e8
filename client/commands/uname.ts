import { release } from "node:os";
import { isCode } from "../../shared/errors.ts";
import type { Context } from "../context.ts";
import { systemUname } from "../host/system_uname.ts";
import { viewHost } from "../report/host_view.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";

/** The options of uname(1), by their letters. */
export interface UnameOptions {
  readonly a?: boolean;
  readonly s?: boolean;
  readonly n?: boolean;
  readonly r?: boolean;
  readonly v?: boolean;
  readonly m?: boolean;
  readonly p?: boolean;
  readonly i?: boolean;
  readonly o?: boolean;
}

/**
 * Prints what uname(1) prints, with the release whose fixes the kernel has in place of the one that was booted. It follows
 * from what is in force at this moment, so it does not survive a reboot or an undo.
 */
export async function uname(context: Context, options: UnameOptions): Promise<void> {
  const booted = release();
  const effective = await effectiveOf(context, booted);
  const letters = Object.entries(options).flatMap(([letter, given]) => (given === true ? [letter] : []));
  const alone = letters.length === 1 && options.r;
  const line = alone
    ? effective
    : withRelease(await systemUname(letters.map((l) => `-${l}`)), options, effective);
  context.terminal.say(line);
  context.terminal.result("uname", { uname: line, release: booted, effective_release: effective });
}

/** Replaces the release. The names of kernel and node and the release are one word each, and uname prints them first. */
function withRelease(line: string, { a, s, n, r }: UnameOptions, effective: string): string {
  if (!a && !r) return line;
  const words = line.split(" ");
  words[Number(Boolean(a || s)) + Number(Boolean(a || n))] = effective;
  return words.join(" ");
}

/** Returns the effective release; on a host that is not set up, the one that was booted. */
async function effectiveOf(context: Context, booted: string): Promise<string> {
  try {
    const host = await openHost(context.places);
    return (await viewHost(context, host, (await lastVerified(host))?.manifest)).effective;
  } catch (error) {
    if (isCode(error, "config") || isCode(error, "unsupported")) return booted;
    throw error;
  }
}
