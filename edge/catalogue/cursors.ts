import { type BuildId, buildId, isBuildId, type UpdateId, updateId } from "../../shared/brand.ts";
import { isCve } from "../../shared/feed/update.ts";
import type { UpdateDescription } from "./entry.ts";

/** The position of a kernel in a list of holdings. */
export interface HoldingPosition {
  readonly id: UpdateId;
  /** The value 1 for a recalled update, which comes after the others, and otherwise 0. */
  readonly gone: 0 | 1;
  /** The number of the group of kernels whose update has the same description. */
  readonly group: number;
  readonly release: string;
  readonly buildId: BuildId;
}

/** The longest cursor in characters. It has ids, numbers, and the longest release that the feed allows. */
const MAX_POSITION = 1200;
const POSITION = /^([a-z0-9.-]+) ([01]) (\d{1,15}) ([0-9a-f]+) (.*)$/s;

export const goneOf = ({ recalled }: Pick<UpdateDescription, "recalled">): 0 | 1 =>
  recalled === null ? 0 : 1;

export const positionCursor = ({ id, gone, group, release, buildId: kernel }: HoldingPosition): string =>
  `${id} ${gone} ${group} ${kernel} ${release}`;

/** Returns the position in a cursor; null, the start, for any other text. */
export function parsePositionCursor(text: string | undefined): HoldingPosition | null {
  const [, id, gone, group, kernel, release] =
    text !== undefined && text.length <= MAX_POSITION ? (POSITION.exec(text) ?? []) : [];
  if (id === undefined || kernel === undefined || release === undefined) return null;
  try {
    return {
      id: updateId(id),
      gone: gone === "1" ? 1 : 0,
      group: Number(group),
      release,
      buildId: buildId(kernel),
    };
  } catch {
    return null;
  }
}

/**
 * Returns a CVE as text that sorts by year and number: `CVE-2026-12345` is `2026512345`, with the number of digits, in
 * hexadecimal, after the year.
 */
export function cveSortKey(cve: string): string {
  const [, year = "", digits = ""] = cve.split("-");
  return year + digits.length.toString(16) + digits;
}

export const cveOfSortKey = (key: string): string => `CVE-${key.slice(0, 4)}-${key.slice(5)}`;

/** Returns the CVE in a cursor; null, the start, for any other text. */
export const parseCveCursor = (text: string | undefined): string | null =>
  text !== undefined && isCve(text) ? text : null;

/** Returns a cursor for a list of changes. It names its catalogue, because another one numbers changes otherwise. */
export const changesCursor = (catalogue: string, number: number): string => `${catalogue}.${number}`;

/** Returns the number of the change in a cursor; 0, the start, for a cursor of another catalogue or any other text. */
export function changeNumberOf(cursor: string | null, catalogue: string): number {
  const [, name, digits] = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(cursor ?? "") ?? [];
  return name === catalogue ? Number(digits) : 0;
}

/** Returns the build ID in a cursor; null, the start, for any other text. */
export const parseBuildIdCursor = (text: string | undefined): BuildId | null =>
  text !== undefined && isBuildId(text) ? text : null;
