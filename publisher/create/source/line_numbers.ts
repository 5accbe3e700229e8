import { runBuildTool } from "./build_tools.ts";
import { differingRanges } from "./differing_ranges.ts";

/**
 * A place after which the lines of two texts are the same again, given by the number of the next line in the
 * text before and in the text after, counted from 1.
 */
export interface LineShift {
  readonly before: number;
  readonly after: number;
}

/**
 * Returns the patched text with `#line` directives after places that shift lines, so that a line that the
 * patch does not touch keeps its number. `__LINE__` is compiled into WARN(), lockdep keys and assertions, and
 * each would count as a change.
 * @param shifts the result of `lineShifts`.
 */
export function keepLineNumbers(after: string, shifts: readonly LineShift[]): string {
  const lines = after.split("\n");
  const out: string[] = [];
  const pending = [...shifts];
  let shift: number | undefined;
  let state: State = { comment: false, depth: 0, continued: false, ended: true };
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    while (pending[0] !== undefined && pending[0].after <= number) {
      const { before, after: at } = pending.shift() as LineShift;
      shift = before - at;
    }
    const inside = pending[0] === undefined || number < pending[0].after;
    if (shift !== undefined && inside && isSafe(state) && index < lines.length - 1) {
      out.push(`#line ${number + shift}`);
      shift = undefined;
    }
    out.push(line);
    state = nextState(state, line);
  }
  return out.join("\n");
}

/** The state of the lexer at the end of a line. */
interface State {
  readonly comment: boolean;
  /** The depth of parentheses. A directive inside a macro's arguments is undefined. */
  readonly depth: number;
  readonly continued: boolean;
  /** True if the last line that was not empty ended a statement, a block or a directive. */
  readonly ended: boolean;
}

const isSafe = ({ comment, depth, continued, ended }: State): boolean =>
  !comment && depth === 0 && !continued && ended;

function nextState(state: State, line: string): State {
  const continued = line.endsWith("\\");
  if (state.continued) return { ...state, continued };
  const { text, comment } = withoutComments(line, state.comment);
  const code = text.trim();
  if (code.startsWith("#")) return { comment, depth: 0, continued, ended: true };
  if (code === "") return { ...state, comment, continued };
  const depth = Math.max(0, state.depth + count(code, "(") - count(code, ")"));
  return { comment, depth, continued, ended: /[;{}:]$/.test(code) };
}

const count = (text: string, what: string): number => text.split(what).length - 1;

/** Returns a line without comments and without the content of strings and characters. */
function withoutComments(line: string, inside: boolean): { text: string; comment: boolean } {
  let text = line;
  if (inside) {
    const end = text.indexOf("*/");
    if (end < 0) return { text: "", comment: true };
    text = text.slice(end + 2);
  }
  text = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/\*.*?\*\/|\/\/.*$/g, "");
  const start = text.indexOf("/*");
  return start < 0 ? { text, comment: false } : { text: text.slice(0, start), comment: true };
}

/**
 * Returns the places where lines shift between two files, as diff(1) aligns them. There is one entry for each
 * place after which the numbers differ.
 */
export async function lineShifts(before: string, after: string): Promise<readonly LineShift[]> {
  const { stdout } = await runBuildTool("diff", ["-a", "-U0", before, after]);
  const shifts: LineShift[] = [];
  for (const { oldStart, oldCount, nowStart, nowCount } of differingRanges(stdout)) {
    const next = { before: oldStart + oldCount + 1, after: nowStart + nowCount + 1 };
    if (next.before !== next.after || shifts.length > 0) shifts.push(next);
  }
  return shifts;
}
