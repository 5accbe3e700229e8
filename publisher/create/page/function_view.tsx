import type { FC } from "hono/jsx";
import { counted } from "../../../shared/counted.ts";
import type { ComparedFunction, ShownLine } from "./compared_functions.ts";
import { shownText } from "./shown_text.ts";
import type { SideBySide } from "./side_by_side.ts";

/** The number of equal lines that are shown before and after each difference. */
const AROUND = 3;

type Row = SideBySide<ShownLine>;

/** Rows that are shown at once, or equal ones that open when they are asked for. */
interface RowGroup {
  readonly isFolded: boolean;
  readonly rows: readonly Row[];
}

/** A function before and after, side by side. */
export const FunctionView: FC<{ readonly compared: ComparedFunction; readonly index: number }> = ({
  compared: { name, source, oldSize, nowSize, rows },
  index,
}) => {
  const changed = rows.filter(({ isSame }) => !isSame).length;
  const size = oldSize === 0 ? counted(nowSize, "byte") : `${oldSize} → ${counted(nowSize, "byte")}`;
  const id = `function-${index}`;
  return (
    <article aria-labelledby={id}>
      <h3 id={id}>
        <code>{shownText(name)}</code>
        <span class="soft">{` ${shownText(source)}, ${size}, ${describeRows(rows.length, changed)}`}</span>
      </h3>
      <section class="scroll code" tabindex={0} aria-labelledby={id}>
        {foldRows(rows).map(({ isFolded, rows: some }) =>
          isFolded ? (
            <details>
              <summary>{`${counted(some.length, "equal instruction")}`}</summary>
              <Rows rows={some} />
            </details>
          ) : (
            <Rows rows={some} />
          ),
        )}
      </section>
    </article>
  );
};

const describeRows = (all: number, changed: number): string =>
  changed === 0
    ? "the same instructions"
    : `${changed} of ${counted(all, "instruction")} ${changed === 1 ? "differs" : "differ"}`;

/** Folds long runs of equal rows. A function without a difference is folded whole. */
export function foldRows(rows: readonly Row[]): readonly RowGroup[] {
  const isNear = rows.map(() => false);
  for (const [at, { isSame }] of rows.entries())
    if (!isSame)
      for (let i = Math.max(0, at - AROUND); i <= Math.min(rows.length - 1, at + AROUND); i++)
        isNear[i] = true;
  const groups: { isFolded: boolean; rows: Row[] }[] = [];
  for (const [at, row] of rows.entries()) {
    const last = groups.at(-1);
    const isFolded = isNear[at] !== true;
    if (last?.isFolded === isFolded) last.rows.push(row);
    else groups.push({ isFolded, rows: [row] });
  }
  return groups;
}

const Rows: FC<{ readonly rows: readonly Row[] }> = ({ rows }) => (
  <table>
    <tbody>
      {rows.map(({ isSame, old, now }) => (
        <tr>
          <Cells line={old} tone={isSame || old === undefined ? "" : "cut"} />
          <Cells line={now} tone={isSame || now === undefined ? "" : "add"} />
        </tr>
      ))}
    </tbody>
  </table>
);

const Cells: FC<{ readonly line: ShownLine | undefined; readonly tone: string }> = ({ line, tone }) => (
  <>
    <td class={`at ${tone}`}>{line === undefined ? "" : line.at.toString(16)}</td>
    <td class={tone}>
      {line !== undefined && shownText(line.text)}
      {line?.relocations.map((one) => (
        <small>{shownText(one)}</small>
      ))}
    </td>
  </>
);
