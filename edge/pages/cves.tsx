import type { FC } from "hono/jsx";
import type { CvePage } from "../catalogue/entry.ts";
import { NextPage } from "./kernels.tsx";
import { Layout, Search } from "./layout.tsx";

/** Every CVE that an update names. */
export const Cves: FC<{ readonly page: CvePage }> = ({ page }) => (
  <Layout title="CVEs">
    <h1>CVEs</h1>
    <Search query="" />
    {page.cves.length === 0 ? <p class="soft">No update of this feed names a CVE.</p> : <Table page={page} />}
    <NextPage next={page.next} href={(after) => `/cves?${new URLSearchParams({ after })}`} />
  </Layout>
);

const Table: FC<{ readonly page: CvePage }> = ({ page }) => (
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
