import { RebootlessError } from "../../shared/errors.ts";

/*
 * What lies in a folder that others may write to is looked at before it is opened, and reached through no link: open(2) with
 * O_PATH gives a descriptor of a name and opens nothing, the kernel tells where that is, and only a plain file is then opened,
 * through the descriptor. Between the look and the opening nobody can put anything else in its place.
 */

/** What it takes of `node:fs`: that module itself will do. */
export interface FileCalls {
  readonly constants: Readonly<Record<"O_RDONLY" | "O_DIRECTORY" | "O_NOFOLLOW" | "O_NONBLOCK", number>>;
  open(path: string, flags: number, done: (error: Error | null, descriptor: number) => void): void;
  openSync(path: string, flags: number): number;
  closeSync(descriptor: number): void;
  fstatSync(descriptor: number): Status;
  readlinkSync(path: string): string;
}

export interface Status {
  isFile(): boolean;
  isDirectory(): boolean;
  readonly size: number;
}

/** What has a name below a folder. `at` leads to that very thing, whatever takes its name meanwhile, for as long as it is looked at. */
export type Found =
  | { readonly kind: "file"; readonly at: string; readonly size: number }
  | { readonly kind: "folder"; readonly at: string }
  /** A link, or what a link leads to; a pipe, a socket, a device. */
  | { readonly kind: "foreign" }
  | { readonly kind: "nothing" };

/** Linux, on every architecture that Node runs on; Node has no name for it. */
const O_PATH = 0o10_000_000;
/** What the kernel adds to a name that is gone: another file was put in its place, and the old one is still read. */
const DELETED = " (deleted)";

/**
 * Looks at what has a name below a folder. The folder's own path may lead through links; below it none is followed.
 *
 * @param path with slashes between names; "" or "." for the folder itself.
 * @throws RebootlessError `unsupported` without /proc; errors of open(2) but for ENOENT, ENOTDIR and ELOOP.
 */
export async function lookBelow<T>(
  calls: FileCalls,
  folder: string,
  path: string,
  act: (found: Found) => Promise<T> | T,
): Promise<T> {
  const root = openFolder(calls, folder);
  if (typeof root !== "number") return act(root);
  try {
    const rootPlace = placeOf(calls, root);
    if (path === "" || path === ".") return await act({ kind: "folder", at: via(root) });
    const place = await openPlace(calls, `${via(root)}/${path}`, calls.constants.O_NOFOLLOW);
    if (typeof place !== "number") return await act(place);
    try {
      return await act(foundAt(calls, place, isPlace(placeOf(calls, place), rootPlace, path)));
    } finally {
      calls.closeSync(place);
    }
  } finally {
    calls.closeSync(root);
  }
}

/** Where a descriptor leads, by the kernel's word. Throws `unsupported` without /proc. */
export function placeOf(calls: Pick<FileCalls, "readlinkSync">, descriptor: number): string {
  try {
    return calls.readlinkSync(via(descriptor));
  } catch (cause) {
    const hint = "Mount proc there: without it nobody can tell what lies where.";
    throw new RebootlessError("unsupported", "cannot read /proc/self/fd", { cause, hint });
  }
}

/**
 * Whether a place is the one that a path names below a folder, with no link on the way to it.
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

function foundAt(calls: FileCalls, descriptor: number, isInPlace: boolean): Found {
  const status = calls.fstatSync(descriptor);
  const at = via(descriptor);
  if (isInPlace && status.isFile()) return { kind: "file", at, size: status.size };
  return isInPlace && status.isDirectory() ? { kind: "folder", at } : { kind: "foreign" };
}

/** The folder itself is in use all the time: that it is there is known without a disk, and a thread would cost more than the look. */
function openFolder(calls: FileCalls, path: string): number | Found {
  try {
    return calls.openSync(path, O_PATH | calls.constants.O_DIRECTORY);
  } catch (error) {
    return unopened(error);
  }
}

function openPlace(calls: FileCalls, path: string, flags: number): Promise<number | Found> {
  return new Promise((resolve, reject) => {
    calls.open(path, O_PATH | flags, (error, descriptor) => {
      try {
        resolve(error ? unopened(error) : descriptor);
      } catch (other) {
        reject(other);
      }
    });
  });
}

function unopened(error: unknown): Found {
  if (hasCode(error, "ENOENT", "ENOTDIR")) return { kind: "nothing" };
  if (hasCode(error, "ELOOP")) return { kind: "foreign" };
  throw error;
}

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));
