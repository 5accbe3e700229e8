import { counted } from "../../../shared/counted.ts";
import type { MemberChange, MemberPlace, TypeChange } from "./type_changes.ts";

/** The number of members, constants, types or files that a sentence names. */
const NAMED = 5;

/** Says what happens to a type: "it adds unsigned int flags (4 bytes at offset 16); …; its size was 16 bytes and is 20". */
export function changeWords({ old, now, members, values }: TypeChange): string {
  // Members that only moved do so because of the others, which are told first.
  const told = [...members].sort((a, b) => Number(a.isSameType) - Number(b.isSameType));
  const changes = [
    ...told.map(memberWords),
    ...values.map((value) => `${value.name} was ${value.old} and is ${value.now}`),
  ];
  const size = old === now ? [] : [`its size was ${counted(old, "byte")} and is ${now}`];
  return [...some(changes), ...size].join("; ");
}

function memberWords({ path, old, now, isSameType }: MemberChange): string {
  if (old === undefined) return now === undefined ? path : `${now.text} (${placeWords(now)}) is new`;
  if (now === undefined) return `${old.text} (${placeWords(old)}) is gone`;
  return isSameType
    ? `${path} was ${placeWords(old)} and is ${placeWords(now)}`
    : `${path} was ${old.text} (${placeWords(old)}) and is ${now.text} (${placeWords(now)})`;
}

function placeWords({ at, width, size }: MemberPlace): string {
  const bit = width === 0 ? "" : `, bit ${at % 8}`;
  return `${width === 0 ? counted(size, "byte") : counted(width, "bit")} at offset ${Math.floor(at / 8)}${bit}`;
}

/** Returns the first of many words, and how many more there are. */
export const some = (words: readonly string[]): readonly string[] =>
  words.length <= NAMED ? words : [...words.slice(0, NAMED), `${words.length - NAMED} more`];
