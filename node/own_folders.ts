import { constants, lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, parse, resolve } from "node:path";
import { geteuid } from "node:process";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";

/** The most symbolic links that a path may lead through, as in Linux (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** Tells whether only root and the user of this process can change a file or folder. */
export function isOwn({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === geteuid?.()) && (mode & (constants.S_IWGRP | constants.S_IWOTH)) === 0;
}

/** The mode bit of a folder, such as /tmp, in which everybody can make files but not move the files of others. */
const STICKY = 0o1000;

/**
 * Refuses a folder that somebody else can change, or that is reached through such a folder. Whoever can move a folder
 * on the way can put another one in its place, with another root of trust or another module in it. A folder that does
 * not exist yet is fine, because this program makes it with the right owner.
 *
 * @throws RebootlessError `config`.
 */
export function requireOwnFolders(paths: readonly string[]): void {
  if (geteuid?.() !== 0) return; // only root's runs change the kernel
  for (const path of paths) requireOwn(resolve(path), path, MAX_LINKS);
}

function requireOwn(path: string, asked: string, links: number): void {
  const { root } = parse(path);
  if (path !== root) requireOwn(dirname(path), asked, links);
  const found = lstat(path);
  if (!found) return;
  if (found.isSymbolicLink()) {
    if (links === 0 || found.uid !== 0) throw notOwn(path, asked, found);
    requireOwn(resolve(dirname(path), readlinkSync(path)), asked, links - 1);
    return;
  }
  const isShared = (found.mode & STICKY) !== 0 && found.uid === 0;
  if (!isOwn(found) && !isShared) throw notOwn(path, asked, found);
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new RebootlessError("io", `cannot look at ${path}`, { cause: error });
  }
}

function notOwn(path: string, asked: string, { uid, mode }: Stats): RebootlessError {
  const through = path === resolve(asked) ? "" : `, and ${asked} is reached through it`;
  const permissions = (mode & 0o7777).toString(8);
  return new RebootlessError(
    "config",
    `root alone must control ${path}, which belongs to uid ${uid} with mode ${permissions}${through}`,
    {
      hint: `Find out what changed it, and give it back to root: \`chown root:root ${path} && chmod go-w ${path}\`.`,
      details: { path, uid, mode: permissions },
    },
  );
}
