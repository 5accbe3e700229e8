import type { FC } from "hono/jsx";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { feedPath, metadataPath, openvexPath } from "../../shared/feed/paths.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Instant } from "../../shared/time.ts";
import { Layout, Recalled, Time } from "./layout.tsx";

export interface KernelProps {
  readonly manifest: KernelManifest;
  /** Version of targets. */
  readonly version: number;
  readonly expires: { readonly timestamp: Instant; readonly targets: Instant };
}

export const Kernel: FC<KernelProps> = ({ manifest, version, expires }) => {
  const { kernel } = manifest;
  const live = manifest.updates.filter(({ recalled }) => recalled === null);
  const cves = [...new Set(live.flatMap((update) => update.cves))].sort();
  const fixes = manifest.updates.some((update) => update.cves.length > 0);
  return (
    <Layout title={kernel.release}>
      <h1>{kernel.release}</h1>
      <dl>
        <dt>Build ID</dt>
        <dd>
          <code>{kernel.buildId}</code>
        </dd>
        {kernel.distribution !== undefined && <Fact name="Distribution" value={kernel.distribution} />}
        {kernel.banner !== undefined && <Fact name="Version" value={kernel.banner} />}
        <Fact name="Architecture" value={kernel.architecture} />
        <dt>Covered until</dt>
        <dd>{kernel.coverageEnds === undefined ? "no end announced" : <Time at={kernel.coverageEnds} />}</dd>
        <dt>Signed by publishers</dt>
        <dd>
          version {version}, until <Time at={expires.targets} />
        </dd>
        <dt>Fresh until</dt>
        <dd>
          <Time at={expires.timestamp} />
        </dd>
      </dl>
      <h2>Updates</h2>
      {live.length === 0 && <p>No update is to be applied to this kernel now.</p>}
      {[...manifest.updates].sort(newestFirst).map((update) => (
        <UpdateCard update={update} />
      ))}
      <h2>CVEs fixed</h2>
      <CveLinks cves={cves} />
      <h2>Files</h2>
      <ul>
        <li>
          <a href={`/${feedPath(kernel.buildId)}`}>feed.json</a>: what a host polls
        </li>
        <li>
          <a href={`/${metadataPath(kernel.buildId)}/timestamp.json`}>timestamp.json</a>: where a TUF client
          begins
        </li>
        {fixes && (
          <li>
            <a href={`/${openvexPath(kernel.buildId)}`}>openvex.json</a>: what a scanner reads, of this kernel
            as it was built
          </li>
        )}
      </ul>
    </Layout>
  );
};

const newestFirst = (a: Update, b: Update): number => b.published - a.published || (a.id < b.id ? -1 : 1);

const Fact: FC<{ readonly name: string; readonly value: string }> = ({ name, value }) => (
  <>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </>
);

const UpdateCard: FC<{ readonly update: Update }> = ({ update }) => (
  <article class="update">
    <h3>
      <a href={`/updates/${update.id}`}>{update.id}</a>
    </h3>
    <p>{update.summary}</p>
    <Recalled why={update.recalled} />
    <p class="soft">
      <Time at={update.published} />
      {" · "}
      {replaced(update)}
      {update.depends.length > 0 && ` · needs ${update.depends.join(", ")}`}
      {update.supersedes.length > 0 && ` · supersedes ${update.supersedes.join(", ")}`}
    </p>
    {update.cves.length > 0 && <CveLinks cves={update.cves} />}
  </article>
);

/** Names of objects shown of one update. */
const MAX_OBJECTS_NAMED = 6;

function replaced({ objects }: Update): string {
  const functions = objects.reduce((sum, object) => sum + object.functions.length, 0);
  const names = objects.slice(0, MAX_OBJECTS_NAMED).map(({ name }) => name);
  const more = objects.length > names.length ? ` and ${objects.length - names.length} more` : "";
  return `${functions} ${functions === 1 ? "function" : "functions"} in ${names.join(", ")}${more}`;
}

export const CveLinks: FC<{ readonly cves: readonly string[] }> = ({ cves }) =>
  cves.length === 0 ? (
    <p class="soft">None by number.</p>
  ) : (
    <p>
      {cves.map((cve, i) => (
        <>
          {i > 0 && " "}
          <a href={`/cves/${cve}`}>{cve}</a>
        </>
      ))}
    </p>
  );
