import { closeSync, constants, fstatSync, openSync, open as openWithCallback, readlinkSync } from "node:fs";
import { promisify } from "node:util";
import { RebootlessError } from "../../shared/errors.ts";
import { hasErrno } from "../errno.ts";

/*
 * A name in a folder that others may write to is looked at before it is opened, and is reached through no link: open(2) with
 * O_PATH gives a descriptor of a name and opens nothing, the kernel tells where that descriptor leads, and only a plain file is
 * then opened, through the descriptor. Between the look and the opening no one can put anything else in its place.
 */

/** What has a name below a folder. `at` leads to that very thing, whatever takes its name meanwhile, for as long as it is looked at. */
export type Found =
  | { readonly kind: "file"; readonly at: string; readonly size: number }
  | { readonly kind: "folder"; readonly at: string }
  /** A link, or what a link leads to; a pipe, a socket, a device. */
  | { readonly kind: "foreign" }
  | { readonly kind: "nothing" };

/** The flag of open(2) on Linux, on every architecture that Node runs on; Node has no name for it. */
const O_PATH = 0o10_000_000;
/** The kernel adds this to a name that is gone: another file was put in its place, and the old one is still read. */
const DELETED = " (deleted)";

const open = promisify(openWithCallback);

/**
 * Looks at what has a name below a folder. The folder's own path may lead through links; below it none is followed.
 *
 * @param path with slashes between names; "" or "." for the folder itself.
 * @throws RebootlessError `unsupported` without /proc; errors of open(2) but for ENOENT, ENOTDIR and ELOOP.
 */
export async function lookBelow<T>(
  folder: string,
  path: string,
  act: (found: Found) => Promise<T> | T,
): Promise<T> {
  const root = openFolder(folder);
  if (typeof root !== "number") return act(root);
  try {
    const rootPlace = placeOf(root);
    if (path === "" || path === ".") return await act({ kind: "folder", at: via(root) });
    const place = await openPlace(`${via(root)}/${path}`);
    if (typeof place !== "number") return await act(place);
    try {
      return await act(foundAt(place, isPlace(placeOf(place), rootPlace, path)));
    } finally {
      closeSync(place);
    }
  } finally {
    closeSync(root);
  }
}

/** Returns the path that a descriptor leads to, as the kernel tells it. @throws RebootlessError `unsupported` without /proc. */
function placeOf(descriptor: number): string {
  try {
    return readlinkSync(via(descriptor));
  } catch (cause) {
    const hint = "Mount proc there: without it no one can tell what lies where.";
    throw new RebootlessError("unsupported", "cannot read /proc/self/fd", { cause, hint });
  }
}

/**
 * Tells whether a place is the one that a path names below a folder, with no link on the way to it.
 *
 * File systems of sticks do not tell `A` from `a`, and name a file as it was looked up first: below the folder that is no difference.
 */
export function isPlace(place: string, root: string, path: string): boolean {
  const expected = `/${path}`.toLowerCase();
  const above = root === "/" ? "" : root;
  if (!place.startsWith(above)) return false;
  const below = place.slice(above.length).toLowerCase();
  return below === expected || below === expected + DELETED;
}

const via = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

function foundAt(descriptor: number, isInPlace: boolean): Found {
  const status = fstatSync(descriptor);
  const at = via(descriptor);
  if (isInPlace && status.isFile()) return { kind: "file", at, size: status.size };
  return isInPlace && status.isDirectory() ? { kind: "folder", at } : { kind: "foreign" };
}

/** The folder itself is in use all the time: that it is there is known without a disk, and a thread would cost more than the look. */
function openFolder(path: string): number | Found {
  try {
    return openSync(path, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    return unopened(error);
  }
}

const openPlace = (path: string): Promise<number | Found> =>
  open(path, O_PATH | constants.O_NOFOLLOW).catch(unopened);

function unopened(error: unknown): Found {
  if (hasErrno(error, "ENOENT", "ENOTDIR")) return { kind: "nothing" };
  if (hasErrno(error, "ELOOP")) return { kind: "foreign" };
  throw error;
}
