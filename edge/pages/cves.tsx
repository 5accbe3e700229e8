import type { FC } from "hono/jsx";
import type { CveListPage } from "../catalogue/entry.ts";
import { NextPage } from "./kernels.tsx";
import { PageLayout, SearchForm } from "./layout.tsx";

/** Lists every CVE that an update names. */
export const CvesPage: FC<{ readonly page: CveListPage }> = ({ page }) => (
  <PageLayout title="CVEs">
    <h1>CVEs</h1>
    <SearchForm query="" />
    {page.cves.length === 0 ? <p class="soft">No update of this feed names a CVE.</p> : <Table page={page} />}
    <NextPage next={page.next} href={(after) => `/cves?${new URLSearchParams({ after })}`} />
  </PageLayout>
);

const Table: FC<{ readonly page: CveListPage }> = ({ page }) => (
  <section class="scroll" tabindex={0} aria-label="CVEs that updates fix">
    <table>
      <caption>CVEs that updates fix</caption>
      <thead>
        <tr>
          <th scope="col">CVE</th>
          <th scope="col">Updates</th>
        </tr>
      </thead>
      <tbody>
        {page.cves.map(({ cve, updates, more }) => (
          <tr>
            <th scope="row">
              <a href={`/cves/${cve}`}>{cve}</a>
            </th>
            <td>
              {updates.map(({ id, recalled }) => (
                <div>
                  <a href={`/updates/${id}`}>{id}</a>
                  {recalled && " (recalled)"}
                </div>
              ))}
              {more && "and more"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
