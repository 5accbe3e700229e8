import type { FC } from "hono/jsx";
import type { KernelPage, UpdateEntry } from "../catalogue/entry.ts";
import { CveLinks } from "./kernel.tsx";
import { KernelTable, NextPage } from "./kernels.tsx";
import { Layout, Recalled, Time } from "./layout.tsx";

export interface UpdateProps {
  readonly update: UpdateEntry;
  readonly page: KernelPage;
}

export const UpdatePage: FC<UpdateProps> = ({ update, page }) => (
  <Layout title={update.id}>
    <h1>{update.id}</h1>
    <p class="lead">{update.summary}</p>
    <Recalled why={update.recalled} />
    <p class="soft">
      Published <Time at={update.published} />. One update can be made for many kernels; each host checks the
      one for its own.
    </p>
    <h2>CVEs</h2>
    <CveLinks cves={update.cves} />
    <h2>Kernels</h2>
    <KernelTable page={page} of={`Kernels that have ${update.id}`} />
    <NextPage page={page} href={(after) => `/updates/${update.id}?${new URLSearchParams({ after })}`} />
  </Layout>
);

export interface CveProps {
  readonly cve: string;
  readonly updates: readonly UpdateEntry[];
}

export const CvePage: FC<CveProps> = ({ cve, updates }) => (
  <Layout title={cve}>
    <h1>{cve}</h1>
    <p>Updates that fix it. A kernel without one of them may never have had the fault, or still has it.</p>
    <h2>Updates</h2>
    {updates.map(({ id, summary, published, recalled }) => (
      <article class="update">
        <h3>
          <a href={`/updates/${id}`}>{id}</a>
        </h3>
        <p>{summary}</p>
        <Recalled why={recalled} />
        <p class="soft">
          <Time at={published} />
        </p>
      </article>
    ))}
  </Layout>
);
