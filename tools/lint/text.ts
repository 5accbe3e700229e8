import { APART, ROOMS, type Room } from "./arrows.ts";

const BEGIN = "<!-- Who may import whom: made by `npm run format` from tools/lint/arrows.ts. -->";
const END = "<!-- End of what is made. -->";
const WIDTH = 100;

/**
 * Replaces the list of arrows between the two marks of a document.
 *
 * @throws Error if it has no such marks.
 */
export function withArrows(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`no ${BEGIN} … ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${arrowsText()}\n${document.slice(end)}`;
}

/** Writes the tables as a list of sentences in Markdown. */
function arrowsText(): string {
  const items = [
    ...ROOMS.map((room) => `- **${room.room}** ${imports(room)}. ${room.why}`),
    ...APART.map(({ within, never, but = [], why }) => {
      const exempt = but.length === 0 ? "" : `, but for ${list(but)}`;
      return `- **${within}** never imports ${list(never)}${exempt}. ${why}`;
    }),
  ];
  return items.map((item) => `${wrapped(item)}\n`).join("");
}

function imports({ imports, on }: Room): string {
  return `imports ${importsInWords(imports)}${on.length === 0 ? "" : `, and modules of ${list(on)}`}`;
}

/** Describes in words what a room imports. */
export const importsInWords = (imports: Room["imports"]): string =>
  imports === "any" ? "any room" : imports.length === 0 ? "no other room" : list(imports);

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** Breaks an item of a list into lines, which are indented below the first. */
function wrapped(item: string): string {
  const lines = [""];
  for (const word of item.split(" ")) {
    const line = `${lines.at(-1)}${lines.at(-1) === "" ? "" : " "}${word}`;
    if (line.length + (lines.length > 1 ? 2 : 0) > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line;
  }
  return lines.join("\n  ");
}
