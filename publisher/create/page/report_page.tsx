import { raw } from "hono/html";
import type { FC } from "hono/jsx";
import { counted } from "../../../shared/counted.ts";
import { explanationText } from "../explain/excerpt.ts";
import type { UpdateRefusal, UpdateReport } from "../update.ts";
import type { ComparedFunctions } from "./compared_functions.ts";
import { FunctionView } from "./function_view.tsx";
import type { KeptPart } from "./kept_parts.ts";
import { pagePolicy } from "./page_policy.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { patchLines, shownText } from "./shown_text.ts";

/** The most lines of patches that a page shows. A step between two stable releases has some 20,000. */
const MAX_PATCH_LINES = 20_000;
/** The most names that a page shows of one list. report.json has all. */
const MAX_SHOWN_NAMES = 100;

/** What the page says. All texts may be hostile. */
export interface PageContent {
  readonly id: string;
  readonly summary: string;
  /** The kernel's banner. */
  readonly kernel: string;
  readonly report: UpdateReport;
  /** The patches as Latin-1, with the names of their files. */
  readonly patches: readonly { readonly path: string; readonly text: string }[];
  readonly compared: ComparedFunctions;
  /** What each unit of the update keeps. */
  readonly kept: readonly { readonly source: string; readonly parts: readonly KeptPart[] }[];
}

/** Writes the report as one page that needs nothing else, and runs no script. */
export const reportPage = (content: PageContent): string =>
  `<!doctype html>${(<ReportPage {...content} />).toString()}\n`;

const OUTCOME_WORDS = {
  made: { text: "It can be applied live.", tone: "good" },
  unchanged: { text: "It changes no code of this kernel.", tone: "soft" },
  refused: { text: "It is refused: it cannot be applied to a running kernel as it is.", tone: "bad" },
} as const;

const ReportPage: FC<PageContent> = ({ id, summary, kernel, report, patches, compared, kept }) => {
  const { text, tone } = OUTCOME_WORDS[report.outcome];
  const notes = [
    ...report.notes,
    ...report.units.flatMap((unit) => unit.notes.map((note) => `${unit.source}: ${note}`)),
  ];
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={pagePolicy(PAGE_STYLE)} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>{shownText(`${id}: report on a live update`)}</title>
        <link rel="icon" href="data:," />
        <style>{raw(PAGE_STYLE)}</style>
      </head>
      <body>
        <main>
          <h1>{shownText(summary)}</h1>
          <p class={`outcome ${tone}`}>{text}</p>
          <dl>
            <dt>Update</dt>
            <dd class="code">{shownText(id)}</dd>
            <dt>Kernel</dt>
            <dd class="code">{shownText(kernel)}</dd>
          </dl>
          <Refusals report={report} />
          <section>
            <h2>What changes</h2>
            <Units report={report} />
          </section>
          {notes.length > 0 && (
            <section>
              <h2>Notes</h2>
              <ul>
                {notes.map((note) => (
                  <li>{shownText(note)}</li>
                ))}
              </ul>
            </section>
          )}
          <Kept kept={kept} />
          <section>
            <h2>The fix</h2>
            <Patches patches={patches} />
          </section>
          <section>
            <h2>Functions before and after</h2>
            {compared.functions.length === 0 && <p class="soft">No function is shown.</p>}
            {compared.notes.map((note) => (
              <p class="soft">{shownText(note)}</p>
            ))}
            {compared.functions.map((one, index) => (
              <FunctionView compared={one} index={index} />
            ))}
          </section>
        </main>
      </body>
    </html>
  );
};

const Refusals: FC<{ readonly report: UpdateReport }> = ({ report }) => {
  const all = [
    ...report.refusals.map((refusal) => ({ where: undefined, refusal })),
    ...report.units.flatMap(({ source, refusals }) =>
      refusals.map((refusal) => ({ where: source, refusal })),
    ),
  ];
  if (all.length === 0) return null;
  return (
    <section>
      <h2>What is refused</h2>
      {all.map(({ where, refusal }) => (
        <Refusal where={where} refusal={refusal} />
      ))}
    </section>
  );
};

/** A refusal. Lines of an advice after its first are code to paste. */
const Refusal: FC<{ readonly where: string | undefined; readonly refusal: UpdateRefusal }> = ({
  where,
  refusal,
}) => {
  const [first = "", ...code] = refusal.advice.split("\n");
  const explanation = explanationText(refusal.explanation);
  const output = "output" in refusal ? (refusal.output ?? []) : [];
  return (
    <article class="refusal">
      <h3>
        <code>{shownText(refusal.subject)}</code>
        {where !== undefined && <span class="soft">{` in ${shownText(where)}`}</span>}
      </h3>
      <p>{shownText(refusal.reason)}</p>
      {output.length > 0 && <Block lines={output} label="messages of the compiler" />}
      <p>
        <strong>What to do: </strong>
        {shownText(first)}
      </p>
      {code.length > 0 && <Block lines={code} label="code to paste" />}
      {explanation.length > 0 && <Block lines={explanation} label="lines of the source" />}
    </article>
  );
};

/** A block of lines, which the keyboard can scroll. */
const Block: FC<{ readonly lines: readonly string[]; readonly label: string }> = ({ lines, label }) => (
  <section class="scroll" tabindex={0} aria-label={label}>
    <pre>
      {lines.map((line) => (
        <span>{shownText(line)}</span>
      ))}
    </pre>
  </section>
);

const Units: FC<{ readonly report: UpdateReport }> = ({ report: { units, same, ignored } }) => (
  <>
    {units.length === 0 && <p class="soft">No compiled file was compared.</p>}
    {units.map((unit) => (
      <>
        <h3>
          <code>{shownText(unit.source)}</code>
          <span class="soft">{` in ${shownText(unit.object)}`}</span>
        </h3>
        <dl>
          <Names what="changed" names={unit.changed} />
          <Names what="new" names={unit.added} />
          <Names what="dropped" names={unit.dropped} />
          <Names what="new, but not used here" names={unit.unused} />
          <Names what="only at the start" names={unit.initOnly} />
        </dl>
      </>
    ))}
    <dl>
      <Names what="same when compiled" names={same} />
      <Names what="not of this kernel" names={ignored} />
    </dl>
  </>
);

const Names: FC<{ readonly what: string; readonly names: readonly string[] }> = ({ what, names }) => {
  if (names.length === 0) return null;
  const more = names.length - MAX_SHOWN_NAMES;
  return (
    <>
      <dt>{what}</dt>
      <dd class="code">
        {names.slice(0, MAX_SHOWN_NAMES).map(shownText).join(", ")}
        {more > 0 && ` and ${more} more`}
      </dd>
    </>
  );
};

const Kept: FC<Pick<PageContent, "kept">> = ({ kept }) => {
  const all = kept.filter(({ parts }) => parts.length > 0);
  if (all.length === 0) return null;
  return (
    <section>
      <h2>What the new code keeps</h2>
      {all.map(({ source, parts }) => (
        <>
          <h3>
            <code>{shownText(source)}</code>
          </h3>
          <dl>
            {parts.map(({ what, names }) => (
              <Names what={what} names={names} />
            ))}
          </dl>
        </>
      ))}
    </section>
  );
};

const Patches: FC<Pick<PageContent, "patches">> = ({ patches }) => {
  let left = MAX_PATCH_LINES;
  return (
    <>
      {patches.map(({ path, text }) => {
        const lines = patchLines(text);
        const shown = lines.slice(0, left);
        left -= shown.length;
        return (
          <>
            <h3>
              <code>{shownText(path)}</code>
            </h3>
            <section class="scroll" tabindex={0} aria-label={`the patch ${shownText(path)}`}>
              <pre>
                {shown.map(({ kind, text: line }) => (
                  <span class={kind}>{line}</span>
                ))}
              </pre>
            </section>
            {shown.length < lines.length && (
              <p class="soft">{`${counted(lines.length - shown.length, "line")} more of it are not shown.`}</p>
            )}
          </>
        );
      })}
    </>
  );
};
