import type { FC } from "hono/jsx";
import type { Sha256Hex } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { Totals } from "../catalogue/catalogue.ts";
import { EXPIRING, type Expiring } from "../publish/expiries.ts";
import type { MaintenanceRun } from "../publish/maintenance.ts";
import { Digest, PageLayout, Time } from "./layout.tsx";

export interface RoleState {
  readonly name: string;
  readonly keyIds: readonly string[];
  readonly threshold: number;
  /** Owners of keys, by key id. */
  readonly owners: ReadonlyMap<string, string>;
}

export interface TrustProps {
  readonly root: { readonly version: number; readonly expires: Instant; readonly sha256: Sha256Hex };
  /** The SHA-256 of the first root, with which people install a host. */
  readonly firstRoot: Sha256Hex;
  readonly roles: readonly RoleState[];
  readonly totals: Totals;
  /** The last maintenance run; undefined before the first one. */
  readonly lastRun: Pick<MaintenanceRun, "at" | "nearest"> | undefined;
}

export const TrustPage: FC<TrustProps> = ({ root, firstRoot, roles, totals, lastRun }) => (
  <PageLayout title="Trust">
    <h1>Why believe this feed?</h1>
    <p class="lead">
      You need not believe this server. Every update is signed by publishers whose keys the root of trust
      names, and each host checks that for itself. The server can delay an update. It cannot make or change
      one, or bring an old one back.
    </p>
    <h2>The root of trust</h2>
    <p>
      Compare this with what the publisher announced elsewhere. A page cannot vouch for itself: if somebody
      changed the server, they changed this line as well.
    </p>
    <dl>
      <dt>SHA-256 of root 1</dt>
      <dd>
        <Digest of={firstRoot} /> <a href="/root/1.root.json">1.root.json</a>
      </dd>
      <dt>Root in force</dt>
      <dd>
        version {root.version}, valid until <Time at={root.expires} />
      </dd>
      <dt>Its SHA-256</dt>
      <dd>
        <Digest of={root.sha256} />{" "}
        <a href={`/root/${root.version}.root.json`}>{`${root.version}.root.json`}</a>
      </dd>
    </dl>
    <h2>Keys and thresholds</h2>
    <section class="scroll" tabindex={0} aria-label="Keys and thresholds">
      <table>
        <caption>How many signatures each role needs, and by which keys</caption>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Needed</th>
            <th scope="col">Keys</th>
          </tr>
        </thead>
        <tbody>
          {roles.map(({ name, keyIds, threshold, owners }) => (
            <tr>
              <th scope="row">{name}</th>
              <td>
                {threshold} of {keyIds.length}
              </td>
              <td>
                {keyIds.map((id) => (
                  <div>
                    <Digest of={id} /> {owners.get(id)}
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
    <h2>State</h2>
    <dl>
      <dt>Kernels</dt>
      <dd>{totals.kernels}</dd>
      <dt>Updates</dt>
      <dd>{totals.updates}</dd>
      <dt>Last publish</dt>
      <dd>
        {totals.lastChange === undefined ? (
          "none yet"
        ) : (
          <>
            <Time at={totals.lastChange.at} /> for{" "}
            <a href={`/kernels/${totals.lastChange.kernel.buildId}`}>{totals.lastChange.kernel.release}</a>
          </>
        )}
      </dd>
      {lastRun && <Expiries {...lastRun} />}
    </dl>
  </PageLayout>
);

const ROLE_WORDS: Readonly<Record<Expiring, string>> = {
  timestamp: "First timestamp to expire",
  snapshot: "First snapshot to expire",
  targets: "First targets to expire",
};

const Expiries: FC<Pick<MaintenanceRun, "at" | "nearest">> = ({ at, nearest }) => (
  <>
    {EXPIRING.flatMap((role) => {
      const one = nearest[role];
      if (!one) return [];
      return [
        <dt>{ROLE_WORDS[role]}</dt>,
        <dd>
          <Time at={one.at} />, that of <a href={`/kernels/${one.kernel}`}>{one.kernel.slice(0, 12)}…</a>
        </dd>,
      ];
    })}
    <dt>As of</dt>
    <dd>
      <Time at={at} />
    </dd>
  </>
);
