import type { FC } from "hono/jsx";
import type { UpdateId } from "../../shared/brand.ts";
import type { Holding, HoldingListPage, UpdateEntry } from "../catalogue/entry.ts";
import { CveLinks } from "./kernel.tsx";
import { KernelCells, KernelHeads, NextPage } from "./kernels.tsx";
import { PageLayout, RecallNotice, Time } from "./layout.tsx";

/** The largest number of CVEs on the page, which is the number that an update may name. */
const MAX_CVES = 256;

/** Kernels of a page that have the same description of an update; at least one. */
type Group = readonly [Holding, ...Holding[]];

/** Groups neighbouring lines of a page that have the same description. */
export function groupHoldings({ holdings }: HoldingListPage): readonly Group[] {
  const groups: [Holding, ...Holding[]][] = [];
  for (const holding of holdings) {
    const last = groups.at(-1);
    if (last && isSame(last[0].update, holding.update)) last.push(holding);
    else groups.push([holding]);
  }
  return groups;
}

const isSame = (a: UpdateEntry, b: UpdateEntry): boolean =>
  a.id === b.id &&
  a.summary === b.summary &&
  a.recalled === b.recalled &&
  a.cves.join(" ") === b.cves.join(" ");

export interface UpdateProps {
  readonly id: UpdateId;
  readonly page: HoldingListPage;
}

/** Shows what each kernel has under an id. Publishers choose ids, and two of them may choose the same. */
export const UpdatePage: FC<UpdateProps> = ({ id, page }) => {
  const groups = groupHoldings(page);
  const [only, ...others] = groups;
  return (
    <PageLayout title={id}>
      <h1>{id}</h1>
      {only && others.length === 0 ? <One id={id} group={only} /> : <Several id={id} groups={groups} />}
      <NextPage next={page.next} href={(after) => `/updates/${id}?${new URLSearchParams({ after })}`} />
    </PageLayout>
  );
};

const One: FC<{ readonly id: UpdateId; readonly group: Group }> = ({ id, group }) => {
  const { summary, recalled, cves } = group[0].update;
  return (
    <>
      <p class="lead">{summary}</p>
      <RecallNotice why={recalled} />
      <p class="soft">
        An update can be made for many kernels; each host checks the one that was made for its own.
      </p>
      <h2>CVEs</h2>
      <CveLinks cves={cves} max={MAX_CVES} />
      <h2>Kernels</h2>
      <Kernels group={group} of={`Kernels that have ${id}`} />
    </>
  );
};

const Several: FC<{ readonly id: UpdateId; readonly groups: readonly Group[] }> = ({ id, groups }) => (
  <>
    <p class="lead">
      This is not the same update for all kernels. Below is what each of them has under this name.
    </p>
    {groups.map((group, i) => {
      const [{ line, update }, ...more] = group;
      return (
        <>
          <h2>{`For ${line.kernel.release}${more.length > 0 ? " and others" : ""}`}</h2>
          <p>{update.summary}</p>
          <RecallNotice why={update.recalled} />
          <h3>CVEs</h3>
          <CveLinks cves={update.cves} max={MAX_CVES} />
          <Kernels group={group} of={`Kernels that have this ${id} (${i + 1})`} />
        </>
      );
    })}
  </>
);

export interface CveProps {
  readonly cve: string;
  readonly page: HoldingListPage;
}

export const CvePage: FC<CveProps> = ({ cve, page }) => (
  <PageLayout title={cve}>
    <h1>{cve}</h1>
    <p>
      These updates fix it, for the kernels listed. A kernel that is not listed may never have been affected,
      or may still be.
    </p>
    {groupHoldings(page).map((group, i, groups) => {
      const { id, summary, recalled } = group[0].update;
      const before = groups.slice(0, i).filter(([other]) => other.update.id === id).length;
      const ordinal = before === 0 ? "" : ` (${before + 1})`; // Each table needs a name of its own.
      return (
        <>
          <h2>
            <a href={`/updates/${id}`}>{id}</a>
          </h2>
          <p>{summary}</p>
          <RecallNotice why={recalled} />
          <Kernels group={group} of={`Kernels for which ${id} fixes it${ordinal}`} />
        </>
      );
    })}
    <NextPage next={page.next} href={(after) => `/cves/${cve}?${new URLSearchParams({ after })}`} />
  </PageLayout>
);

const Kernels: FC<{ readonly group: Group; readonly of: string }> = ({ group, of }) => (
  // A region that scrolls must be reachable by keyboard (WCAG 2.2, 2.1.1).
  <section class="scroll" tabindex={0} aria-label={of}>
    <table>
      <caption>{of}</caption>
      <thead>
        <tr>
          <KernelHeads />
          <th scope="col">Published</th>
        </tr>
      </thead>
      <tbody>
        {group.map(({ line: { kernel }, update }) => (
          <tr>
            <KernelCells kernel={kernel} />
            <td>
              <Time at={update.published} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
