import { raw } from "hono/html";
import type { FC } from "hono/jsx";
import { counted } from "../../../shared/counted.ts";
import { formatInstant } from "../../../shared/time.ts";
import { pagePolicy } from "../../create/page/page_policy.ts";
import { PAGE_STYLE } from "../../create/page/page_style.ts";
import { shownText } from "../../create/page/shown_text.ts";
import type { FollowedFix } from "../follow_state.ts";
import type { FollowItem, ItemKind } from "../item.ts";
import { countsText, type FollowSummary, minutesToReady } from "../summary.ts";

/** The most fixes that the page shows, the newest ones. status.json has all. */
const MAX_SHOWN_FIXES = 200;
/** The most updates that are listed with their reasons. */
const MAX_SHOWN_REASONS = 500;

const STYLE = `${PAGE_STYLE}
table{table-layout:auto;width:auto;min-width:0}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);white-space:normal;overflow-wrap:normal}
td{font-size:.9rem}
tbody th{color:var(--ink);font-weight:400;min-width:14rem}
caption{text-align:left;color:var(--soft);padding:.4rem .7rem}
`;

/** Writes a summary as one page that needs nothing else, and runs no script. */
export const statusPage = (summary: FollowSummary): string =>
  `<!doctype html>${(<StatusPage summary={summary} />).toString()}\n`;

const StatusPage: FC<{ readonly summary: FollowSummary }> = ({ summary }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content={pagePolicy(STYLE)} />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="referrer" content="no-referrer" />
      <title>Fixes and kernels</title>
      <link rel="icon" href="data:," />
      <style>{raw(STYLE)}</style>
    </head>
    <body>
      <main>
        <h1>Fixes and kernels</h1>
        <dl>
          <dt>At</dt>
          <dd>{formatInstant(summary.at)}</dd>
          <dt>In all</dt>
          <dd>{countsText(summary)}</dd>
          <dt>Oldest open fix</dt>
          <dd>{minutesText(summary.oldestOpen, "none is open")}</dd>
          <dt>From seen to ready</dt>
          <dd>{minutesText(summary.medianReady, "none is ready yet")} (median)</dd>
        </dl>
        <section>
          <h2>Each fix for each kernel</h2>
          <Matrix summary={summary} />
        </section>
        <section>
          <h2>What needs somebody</h2>
          <Reasons items={summary.items} />
        </section>
      </main>
    </body>
  </html>
);

const minutesText = (minutes: number | undefined, none: string): string =>
  minutes === undefined ? none : counted(Math.ceil(minutes), "minute");

const Matrix: FC<{ readonly summary: FollowSummary }> = ({ summary: { fixes, items } }) => {
  const shown = fixes
    .filter(({ retired }) => !retired)
    .reverse()
    .slice(0, MAX_SHOWN_FIXES);
  const kernels = [...new Map(items.map(({ kernel, release }) => [kernel, release])).entries()];
  const byPair = new Map(items.map((item) => [`${item.fix} ${item.kernel}`, item]));
  if (shown.length === 0) return <p class="soft">No fix has been seen yet.</p>;
  return (
    <section class="scroll" tabindex={0} aria-label="table of fixes and kernels">
      <table>
        <caption>A number is the minutes from when it was seen until it had passed its trial.</caption>
        <thead>
          <tr>
            <th scope="col">Fix</th>
            {kernels.map(([, release]) => (
              <th scope="col">{shownText(release)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((fix) => (
            <tr>
              <FixName fix={fix} />
              {kernels.map(([kernel]) => (
                <Cell item={byPair.get(`${fix.id} ${kernel}`)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
};

const FixName: FC<{ readonly fix: FollowedFix }> = ({ fix: { id, subject, cves } }) => (
  <th scope="row">
    <code>{id}</code>
    <br />
    {shownText(subject)}
    {cves.length > 0 && <span class="soft">{` ${cves.join(", ")}`}</span>}
  </th>
);

const TONES: Readonly<Partial<Record<ItemKind, string>>> = {
  pushed: "good",
  "tried ok": "good",
  "tried bad": "bad",
  failed: "bad",
  refused: "bad",
};

const Cell: FC<{ readonly item: FollowItem | undefined }> = ({ item }) => {
  if (item === undefined) return <td class="soft">not meant</td>;
  const minutes = minutesToReady(item);
  return (
    <td class={TONES[item.state.kind] ?? "plain"}>
      {item.state.kind}
      {minutes !== undefined && <span class="soft">{` ${minutes}`}</span>}
    </td>
  );
};

/** What people can do something about, the most urgent first. */
const NEEDY: readonly ItemKind[] = [
  "waiting",
  "tried bad",
  "failed",
  "refused",
  "does not apply",
  "not built",
];

const Reasons: FC<{ readonly items: readonly FollowItem[] }> = ({ items }) => {
  const needy = NEEDY.flatMap((kind) => items.filter(({ state }) => state.kind === kind));
  if (needy.length === 0) return <p class="soft">Nothing does.</p>;
  const more = needy.length - MAX_SHOWN_REASONS;
  return (
    <>
      <ul>
        {needy.slice(0, MAX_SHOWN_REASONS).map(({ fix, release, state }) => (
          <li>
            <code>{fix}</code>
            {` on ${shownText(release)}: `}
            <strong>{state.kind}</strong>
            {"reason" in state && ` — ${shownText(state.reason)}`}
            {"request" in state && ` — ${state.request}`}
          </li>
        ))}
      </ul>
      {more > 0 && <p class="soft">{`${more} more are in status.json.`}</p>}
    </>
  );
};
