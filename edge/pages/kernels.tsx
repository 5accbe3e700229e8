import type { FC } from "hono/jsx";
import type { KernelPage } from "../catalogue/entry.ts";
import { Layout, Search, Time } from "./layout.tsx";

export interface KernelsProps {
  readonly query: string;
  readonly page: KernelPage;
}

export const Kernels: FC<KernelsProps> = ({ query, page }) => (
  <Layout title={query === "" ? "Kernels" : `Kernels: ${query.slice(0, 80)}`}>
    <h1>Kernels</h1>
    <Search query={query} />
    {page.kernels.length === 0 ? (
      <NoKernel query={query} />
    ) : (
      <KernelTable page={page} of={found(query, page)} />
    )}
    <NextPage page={page} href={(after) => `/kernels?${new URLSearchParams({ q: query, after })}`} />
  </Layout>
);

const found = (query: string, { kernels, next }: KernelPage): string => {
  const count = `${kernels.length}${next === null ? "" : " and more"}`;
  return query === "" ? `${count} kernels` : `${count} found`;
};

const NoKernel: FC<{ readonly query: string }> = ({ query }) => (
  <section aria-labelledby="none">
    <h2 id="none">{query === "" ? "This feed has no kernel yet" : "Nothing is found"}</h2>
    {query !== "" && (
      <p>
        This feed has no updates for such a kernel. Two builds can share a release: the build ID decides.{" "}
        <code>rebootless check</code> prints it, and so does <code>file</code> for an unpacked vmlinux.
      </p>
    )}
  </section>
);

/** @property of what the table is a list of. */
export const KernelTable: FC<{ readonly page: KernelPage; readonly of: string }> = ({ page, of }) => (
  // A region that scrolls must be reachable by keyboard (WCAG 2.2, 2.1.1).
  <section class="scroll" tabindex={0} aria-label={of}>
    <table>
      <caption>{of}</caption>
      <thead>
        <tr>
          <th scope="col">Release</th>
          <th scope="col">Distribution</th>
          <th scope="col">Build ID</th>
          <th scope="col">Updates</th>
          <th scope="col">Last change</th>
        </tr>
      </thead>
      <tbody>
        {page.kernels.map(({ kernel, updates, recorded }) => (
          <tr>
            <th scope="row">
              <a href={`/kernels/${kernel.buildId}`}>{kernel.release}</a>
            </th>
            <td>{kernel.distribution ?? ""}</td>
            <td>
              <code>{kernel.buildId.slice(0, 12)}…</code>
            </td>
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

export const NextPage: FC<{ readonly page: KernelPage; readonly href: (after: string) => string }> = ({
  page,
  href,
}) =>
  page.next === null ? null : (
    <p>
      <a rel="next" href={href(page.next)}>
        More kernels
      </a>
    </p>
  );
