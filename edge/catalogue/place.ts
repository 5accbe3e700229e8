import { type BuildId, buildId, type UpdateId, updateId } from "../../shared/brand.ts";
import { isCve } from "../../shared/feed/update.ts";
import type { Said } from "./entry.ts";

/** Where a kernel stands in a list of holdings. */
export interface Place {
  readonly id: UpdateId;
  /** 1 for what is recalled. */
  readonly gone: 0 | 1;
  /** Of the kernels of which the same is said. */
  readonly group: number;
  readonly release: string;
  readonly buildId: BuildId;
}

/** Ids, numbers, and a release as long as any text of ours may be. */
const MAX_PLACE = 1200;
const PLACE = /^([a-z0-9.-]+) ([01]) (\d{1,15}) ([0-9a-f]+) (.*)$/s;

export const goneOf = ({ recalled }: Pick<Said, "recalled">): 0 | 1 => (recalled === null ? 0 : 1);

export const placeText = ({ id, gone, group, release, buildId: kernel }: Place): string =>
  `${id} ${gone} ${group} ${kernel} ${release}`;

/** A cursor of ours, or null, the beginning, for what is none. */
export function placeOfText(text: string | undefined): Place | null {
  const [, id, gone, group, kernel, release] =
    text !== undefined && text.length <= MAX_PLACE ? (PLACE.exec(text) ?? []) : [];
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
 * A CVE's number as text that sorts by year and number: `CVE-2026-12345` is `2026512345`, with how many digits follow the year.
 * 10 of them are `a`.
 */
export function cvePlace(cve: string): string {
  const [, year = "", digits = ""] = cve.split("-");
  return year + digits.length.toString(16) + digits;
}

export const cveAt = (place: string): string => `CVE-${place.slice(0, 4)}-${place.slice(5)}`;

/** A cursor of ours, or null, the beginning, for what is none. */
export const cveOfText = (text: string | undefined): string | null =>
  text !== undefined && isCve(text) ? text : null;
