import type { FC } from "hono/jsx";
import type { UpdateId } from "../../shared/brand.ts";
import type { Holding, HoldingPage, UpdateEntry } from "../catalogue/entry.ts";
import { CveLinks } from "./kernel.tsx";
import { KernelCells, KernelHeads, NextPage } from "./kernels.tsx";
import { Layout, Recalled, Time } from "./layout.tsx";

/** All that an update may name. */
const MAX_CVES = 256;

/** At least one of each group. */
type Group = readonly [Holding, ...Holding[]];

/** The lines of a page as they stand together: of the kernels of a group the very same is said. */
export function groupsOf({ holdings }: HoldingPage): readonly Group[] {
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
  readonly page: HoldingPage;
}

/** What each kernel has under an id: the name is a publisher's choice, and another one may have chosen it too. */
export const UpdatePage: FC<UpdateProps> = ({ id, page }) => {
  const groups = groupsOf(page);
  const [only, ...others] = groups;
  return (
    <Layout title={id}>
      <h1>{id}</h1>
      {only && others.length === 0 ? <One id={id} group={only} /> : <Several id={id} groups={groups} />}
      <NextPage next={page.next} href={(after) => `/updates/${id}?${new URLSearchParams({ after })}`} />
    </Layout>
  );
};

const One: FC<{ readonly id: UpdateId; readonly group: Group }> = ({ id, group }) => {
  const { summary, recalled, cves } = group[0].update;
  return (
    <>
      <p class="lead">{summary}</p>
      <Recalled why={recalled} />
      <p class="soft">One update can be made for many kernels; each host checks the one for its own.</p>
      <h2>CVEs</h2>
      <CveLinks cves={cves} max={MAX_CVES} />
      <h2>Kernels</h2>
      <Kernels group={group} of={`Kernels that have ${id}`} />
    </>
  );
};

const Several: FC<{ readonly id: UpdateId; readonly groups: readonly Group[] }> = ({ id, groups }) => (
  <>
    <p class="lead">Not the same for all kernels: below stands what each of them has under this name.</p>
    {groups.map((group, i) => {
      const [{ line, update }, ...more] = group;
      return (
        <>
          <h2>{`For ${line.kernel.release}${more.length > 0 ? " and others" : ""}`}</h2>
          <p>{update.summary}</p>
          <Recalled why={update.recalled} />
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
  readonly page: HoldingPage;
}

export const CvePage: FC<CveProps> = ({ cve, page }) => (
  <Layout title={cve}>
    <h1>{cve}</h1>
    <p>
      Updates that fix it, and the kernels that they are for. A kernel that is not here may never have had the
      fault, or still has it.
    </p>
    {groupsOf(page).map((group, i, groups) => {
      const { id, summary, recalled } = group[0].update;
      const before = groups.slice(0, i).filter(([other]) => other.update.id === id).length;
      const ordinal = before === 0 ? "" : ` (${before + 1})`; // each table has a name of its own
      return (
        <>
          <h2>
            <a href={`/updates/${id}`}>{id}</a>
          </h2>
          <p>{summary}</p>
          <Recalled why={recalled} />
          <Kernels group={group} of={`Kernels for which ${id} fixes it${ordinal}`} />
        </>
      );
    })}
    <NextPage next={page.next} href={(after) => `/cves/${cve}?${new URLSearchParams({ after })}`} />
  </Layout>
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
