import type { FC } from "hono/jsx";
import { counted } from "../../shared/counted.ts";
import type { Totals } from "../catalogue/catalogue.ts";
import type { Change } from "../catalogue/change.ts";
import { Layout, Search, Time } from "./layout.tsx";
import { said } from "./said.ts";

export interface HomeProps {
  readonly totals: Totals;
  readonly changes: readonly Change[];
}

export const Home: FC<HomeProps> = ({ totals, changes }) => (
  <Layout title="Updates without a reboot">
    <h1>Which updates are there for your kernel?</h1>
    <p class="lead">
      Fixes for running Linux kernels, applied without a reboot and signed by their publishers.{" "}
      {counted(totals.kernels, "kernel")}, {counted(totals.updates, "update")}.
    </p>
    <Search query="" />
    <h2>Last changes</h2>
    {changes.length === 0 && <p class="soft">Nothing was published yet.</p>}
    {changes.map((change) => (
      <article class="update">
        <h3>
          <a href={`/kernels/${change.kernel.buildId}`}>{change.kernel.release}</a>
        </h3>
        <p>{said(change)}</p>
        <p class="soft">
          <Time at={change.at} />
        </p>
      </article>
    ))}
  </Layout>
);
