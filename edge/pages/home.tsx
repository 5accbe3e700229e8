import type { FC } from "hono/jsx";
import { counted } from "../../shared/counted.ts";
import type { Totals } from "../catalogue/catalogue.ts";
import type { CatalogueChange } from "../catalogue/change.ts";
import { changeSummary } from "./change_summary.ts";
import { PageLayout, SearchForm, Time } from "./layout.tsx";

export interface HomeProps {
  readonly totals: Totals;
  readonly changes: readonly CatalogueChange[];
}

export const HomePage: FC<HomeProps> = ({ totals, changes }) => (
  <PageLayout title="Updates without a reboot">
    <h1>Which updates are there for your kernel?</h1>
    <p class="lead">
      Fixes for running Linux kernels, applied without a reboot and signed by their publishers.{" "}
      {counted(totals.kernels, "kernel")}, {counted(totals.updates, "update")}.
    </p>
    <SearchForm query="" />
    <h2>Latest changes</h2>
    {changes.length === 0 && <p class="soft">Nothing has been published yet.</p>}
    {changes.map((change) => (
      <article class="update">
        <h3>
          <a href={`/kernels/${change.kernel.buildId}`}>{change.kernel.release}</a>
        </h3>
        <p>{changeSummary(change)}</p>
        <p class="soft">
          <Time at={change.at} />
        </p>
      </article>
    ))}
  </PageLayout>
);
