import type { FC } from "hono/jsx";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { FoundUpdate, KernelListPage } from "../catalogue/entry.ts";
import { PageLayout, RecallNotice, SearchForm, Time } from "./layout.tsx";

export interface KernelsProps {
  /** The search, as it was typed. */
  readonly query: string;
  /** The CVE that was searched for, if it is one. */
  readonly cve: string | undefined;
  readonly page: KernelListPage;
  readonly updates: readonly FoundUpdate[];
}

export const KernelsPage: FC<KernelsProps> = ({ query, cve, page, updates }) => (
  <PageLayout title={query === "" ? "Kernels" : `Results for ${query.slice(0, 80)}`}>
    <h1>{query === "" ? "Kernels" : "Search results"}</h1>
    <SearchForm query={query} />
    {page.kernels.length + updates.length === 0 && <Nothing query={query} cve={cve} />}
    {updates.length > 0 && <FoundUpdates cve={cve} updates={updates} />}
    {page.kernels.length > 0 && (
      <>
        {query !== "" && <h2>Kernels</h2>}
        <KernelTable page={page} of={caption(query, cve, page)} />
      </>
    )}
    <NextPage next={page.next} href={(after) => `/kernels?${new URLSearchParams({ q: query, after })}`} />
  </PageLayout>
);

function caption(query: string, cve: string | undefined, { kernels, next }: KernelListPage): string {
  if (cve !== undefined)
    return `Some kernels for which an update fixes ${cve}; its own page lists all of them`;
  const count = `${kernels.length}${next === null ? "" : " and more"}`;
  if (query !== "") return `${count} found`;
  return `${count} ${kernels.length === 1 ? "kernel" : "kernels"}`;
}

const FoundUpdates: FC<Pick<KernelsProps, "cve" | "updates">> = ({ cve, updates }) => (
  <section aria-labelledby="updates">
    <h2 id="updates">Updates</h2>
    {cve !== undefined && (
      <p>
        <a href={`/cves/${cve}`}>{cve}</a>: all updates that fix it, and their kernels
      </p>
    )}
    {updates.map(({ update, kernel, others }) => (
      <article class="update">
        <h3>
          <a href={`/updates/${update.id}`}>{update.id}</a>
        </h3>
        <p>{update.summary}</p>
        <RecallNotice why={update.recalled} />
        <p class="soft">
          {`for ${kernel.release}${others ? " and others" : ""} · `}
          <Time at={update.published} />
        </p>
      </article>
    ))}
  </section>
);

const Nothing: FC<Pick<KernelsProps, "query" | "cve">> = ({ query, cve }) => (
  <section aria-labelledby="none">
    <h2 id="none">{query === "" ? "This feed has no kernel yet" : "Nothing was found"}</h2>
    {cve !== undefined && (
      <p>No update of this feed fixes {cve}. A kernel may still be affected by it, or may never have been.</p>
    )}
    {cve === undefined && query !== "" && (
      <p>
        This feed has no update for such a kernel, and none with such a name. Two builds can have the same
        release; the build ID tells them apart. <code>rebootless check</code> prints it, and so does{" "}
        <code>file</code> for an unpacked vmlinux.
      </p>
    )}
  </section>
);

/** The first columns of every table of kernels. */
export const KernelHeads: FC = () => (
  <>
    <th scope="col">Release</th>
    <th scope="col">Distribution</th>
    <th scope="col">Build ID</th>
  </>
);

export const KernelCells: FC<{ readonly kernel: KernelFacts }> = ({ kernel }) => (
  <>
    <th scope="row">
      <a href={`/kernels/${kernel.buildId}`}>{kernel.release}</a>
    </th>
    <td>{kernel.distribution ?? ""}</td>
    <td>
      <code>{kernel.buildId.slice(0, 12)}…</code>
    </td>
  </>
);

/** A table of kernels. @property of says what the table lists. */
export const KernelTable: FC<{ readonly page: KernelListPage; readonly of: string }> = ({ page, of }) => (
  // A region that scrolls must be reachable by keyboard (WCAG 2.2, 2.1.1).
  <section class="scroll" tabindex={0} aria-label={of}>
    <table>
      <caption>{of}</caption>
      <thead>
        <tr>
          <KernelHeads />
          <th scope="col">Updates</th>
          <th scope="col">Last change</th>
        </tr>
      </thead>
      <tbody>
        {page.kernels.map(({ kernel, updates, recorded }) => (
          <tr>
            <KernelCells kernel={kernel} />
            <td class="number">{updates}</td>
            <td>
              <Time at={recorded} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

/** A link to the next page. @property href returns the address of the page that begins there. */
export const NextPage: FC<{ readonly next: string | null; readonly href: (after: string) => string }> = ({
  next,
  href,
}) =>
  next === null ? null : (
    <p>
      <a rel="next" href={href(next)}>
        Next page
      </a>
    </p>
  );
