import { constants, lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, parse, resolve } from "node:path";
import { geteuid } from "node:process";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";

/** Symbolic links that a path may lead through, as Linux has it (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** Whether nobody but root, and whoever runs this, can change what this is. */
export function isOwn({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === geteuid?.()) && (mode & (constants.S_IWGRP | constants.S_IWOTH)) === 0;
}

/** In such a folder (/tmp) anybody makes files, and nobody moves those of others. */
const STICKY = 0o1000;

/**
 * Refuses a folder that somebody else can change, or that is reached through one: whoever can move a folder on the way
 * can put another one in its place, with another root of trust or another module in it. What is not there yet is made
 * by us, with the right owner. Throws `config`.
 */
export function requireOwnFolders(paths: readonly string[]): void {
  if (geteuid?.() !== 0) return; // what somebody else runs changes no kernel
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
