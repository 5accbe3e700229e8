import type { FC } from "hono/jsx";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { FoundUpdate, KernelPage } from "../catalogue/entry.ts";
import { Layout, Recalled, Search, Time } from "./layout.tsx";

export interface KernelsProps {
  /** What somebody looks for, as it was typed. */
  readonly query: string;
  /** The CVE that this is. */
  readonly cve: string | undefined;
  readonly page: KernelPage;
  readonly updates: readonly FoundUpdate[];
}

export const Kernels: FC<KernelsProps> = ({ query, cve, page, updates }) => (
  <Layout title={query === "" ? "Kernels" : `Found: ${query.slice(0, 80)}`}>
    <h1>{query === "" ? "Kernels" : "What is found"}</h1>
    <Search query={query} />
    {page.kernels.length + updates.length === 0 && <Nothing query={query} cve={cve} />}
    {updates.length > 0 && <FoundUpdates cve={cve} updates={updates} />}
    {page.kernels.length > 0 && (
      <>
        {query !== "" && <h2>Kernels</h2>}
        <KernelTable page={page} of={caption(query, cve, page)} />
      </>
    )}
    <NextPage next={page.next} href={(after) => `/kernels?${new URLSearchParams({ q: query, after })}`} />
  </Layout>
);

function caption(query: string, cve: string | undefined, { kernels, next }: KernelPage): string {
  if (cve !== undefined) return `Kernels for which an update fixes ${cve}; its own page has all of them`;
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
        <Recalled why={update.recalled} />
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
    <h2 id="none">{query === "" ? "This feed has no kernel yet" : "Nothing is found"}</h2>
    {cve !== undefined && (
      <p>
        No update of this feed fixes {cve}. A kernel may have the fault all the same, or may never have had
        it.
      </p>
    )}
    {cve === undefined && query !== "" && (
      <p>
        This feed has no updates for such a kernel, and none with such a name. Two builds can share a release:
        the build ID decides. <code>rebootless check</code> prints it, and so does <code>file</code> for an
        unpacked vmlinux.
      </p>
    )}
  </section>
);

/** What every table of kernels says of one first. */
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

/** @property of what the table is a list of. */
export const KernelTable: FC<{ readonly page: KernelPage; readonly of: string }> = ({ page, of }) => (
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

/** @property href of the page that begins there. */
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
