import { readFileSync } from "node:fs";
import { stdout } from "node:process";

/*
 * npm run -s demo > demo.txt && node --import tsx tools/demo/picture.ts < demo.txt > docs/demo.svg
 *
 * Draws the host's part of a real run of the demo as a terminal, for the README. The text is what the run printed:
 * nothing is added, and lines that do not fit are cut.
 */

/** The beginnings of the titles of the steps that are shown. */
const STEPS = ["host: its timer runs", "host: what it runs now", "host: undo"];
/** The lines of these steps that mean nothing to a new reader. */
const LEFT_OUT = /^(kernel|feed) {3}/;

const COLUMNS = 92;
const FONT_SIZE = 13;
const CHARACTER_WIDTH = FONT_SIZE * 0.6;
const LINE_HEIGHT = 18;
const MARGIN = 16;

const COLORS = {
  background: "#16181d",
  text: "#d7dae0",
  command: "#ffffff",
  title: "#7fb0ff",
  result: "#8fd18f",
};

interface Line {
  readonly text: string;
  readonly color: string;
}

/** Returns the lines of the chosen steps, without the demo's own indentation. */
export function shownLines(output: string): readonly Line[] {
  const lines: Line[] = [];
  let isShown = false;
  for (const raw of output.split("\n")) {
    const title = /^ *[\d.]+ s {2}(.*)$/.exec(raw)?.[1];
    if (title !== undefined) {
      isShown = STEPS.some((step) => title.startsWith(step));
      if (isShown && lines.length > 0) lines.push({ text: "", color: COLORS.text });
      if (isShown) lines.push({ text: title, color: COLORS.title });
      continue;
    }
    const text = raw.replace(/^ {9}/, "");
    if (isShown && text.trim() !== "" && !LEFT_OUT.test(text)) lines.push({ text, color: colorOf(text) });
  }
  return lines;
}

function colorOf(text: string): string {
  if (text.startsWith("# ")) return COLORS.command;
  return /^(applied|undone|tried) |^[\d.]+ s after/.test(text.trim()) ? COLORS.result : COLORS.text;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Draws an SVG image (SVG 1.1) of a terminal with these lines in it. */
export function picture(lines: readonly Line[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const rows = lines.map(({ text, color }, index) => {
    const cut = text.length > COLUMNS ? `${text.slice(0, COLUMNS - 1)}…` : text;
    const y = MARGIN + (index + 1) * LINE_HEIGHT - 5;
    return `  <text x="${MARGIN}" y="${y}" fill="${color}">${escaped(cut)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    `  font-family="ui-monospace, Menlo, Consolas, monospace" font-size="${FONT_SIZE}" style="white-space:pre">`,
    "  <title>A running kernel takes a public fix, and the update is undone, without a reboot</title>",
    `  <rect width="${width}" height="${height}" rx="8" fill="${COLORS.background}"/>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

const lines = shownLines(readFileSync(0, "utf8"));
if (lines.length === 0) throw new Error("this is not the output of `npm run demo`");
stdout.write(picture(lines));
