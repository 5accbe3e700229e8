import { closeSync, constants, fstatSync, openSync, open as openWithCallback, readlinkSync } from "node:fs";
import { promisify } from "node:util";
import { RebootlessError } from "../../shared/errors.ts";
import { hasErrno } from "../errno.ts";

/*
 * A name in a folder that others may write to is checked before it is opened, and no link leads to it. open(2) with
 * O_PATH gives a descriptor of a name and opens nothing. The kernel tells where that descriptor leads, and then only
 * a plain file is opened, through the descriptor. Nothing else can be put in its place between the check and the
 * opening.
 */

/**
 * The thing that has a name below a folder. As long as it is checked, `at` leads to that very thing, even if
 * something else takes its name.
 */
export type Found =
  | { readonly kind: "file"; readonly at: string; readonly size: number }
  | { readonly kind: "folder"; readonly at: string }
  /** A link, something that a link leads to, a pipe, a socket or a device. */
  | { readonly kind: "foreign" }
  | { readonly kind: "nothing" };

/** The flag of open(2) on Linux, on every architecture that Node runs on; Node has no name for it. */
const O_PATH = 0o10_000_000;
/** The text that the kernel adds to the name of a deleted file. A file that was replaced meanwhile can still be read. */
const DELETED = " (deleted)";

const open = promisify(openWithCallback);

/**
 * Finds what has a name below a folder. The folder's own path may lead through links; below it no link is followed.
 *
 * @param path names with slashes between them; "" or "." for the folder itself.
 * @throws RebootlessError `unsupported` without /proc; errors of open(2) except ENOENT, ENOTDIR and ELOOP.
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

/**
 * Returns the path that a descriptor leads to, as the kernel tells it.
 *
 * @throws RebootlessError `unsupported` without /proc.
 */
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
 * The file systems of memory sticks ignore case, and the kernel names a file as it was looked up first. Below the
 * folder, that makes no difference.
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

/**
 * Opens the folder itself in this thread. It is in use all the time, so the kernel finds it without a disk, and a
 * thread would cost more.
 */
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
