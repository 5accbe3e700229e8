import type { FC } from "hono/jsx";
import { counted } from "../../shared/counted.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { feedPath, metadataPath, openvexPath } from "../../shared/feed/paths.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Instant } from "../../shared/time.ts";
import { isLive, type UpdateEntry } from "../catalogue/entry.ts";
import { PageLayout, RecallNotice, Time } from "./layout.tsx";

/** An update of a kernel. */
export interface ShownUpdate extends UpdateEntry {
  /** The details; undefined if the feed was not decoded. */
  readonly detail:
    | (Pick<Update, "depends" | "conflicts" | "supersedes"> & {
        /** The functions that are replaced, by name. */
        readonly objects: readonly { readonly name: string; readonly functions: readonly string[] }[];
      })
    | undefined;
}

export interface ShownKernel {
  readonly kernel: KernelFacts;
  readonly updates: readonly ShownUpdate[];
  /** False if the feed is too large to be decoded: `updates` are then the newest ones, without details. */
  readonly isWhole: boolean;
  /** The version of targets. */
  readonly version: number;
  readonly expires: { readonly timestamp: Instant; readonly targets: Instant };
}

/**
 * The numbers of CVEs that are shown of an update, and of updates and CVEs of a kernel. A longer page helps
 * no reader.
 */
const MAX_CVES_SHOWN = 32;
const MAX_UPDATES_SHOWN = 500;
const MAX_FIXED_SHOWN = 2000;

export const KernelPage: FC<ShownKernel> = ({ kernel, updates, isWhole, version, expires }) => {
  const newest = [...updates].sort(newestFirst).slice(0, MAX_UPDATES_SHOWN);
  const live = updates.filter(isLive);
  const cves = [...new Set(live.flatMap((update) => update.cves))].sort();
  const fixes = updates.some((update) => update.cves.length > 0);
  return (
    <PageLayout title={kernel.release}>
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
          version {version}, valid until <Time at={expires.targets} />
        </dd>
        <dt>Fresh until</dt>
        <dd>
          <Time at={expires.timestamp} />
        </dd>
      </dl>
      <h2>Updates</h2>
      {live.length === 0 && <p>There is no update to apply to this kernel now.</p>}
      {newest.map((update) => (
        <UpdateCard update={update} />
      ))}
      {(!isWhole || updates.length > newest.length) && (
        <p class="soft">
          This kernel has more updates than a page can show. These are the newest ones; feed.json has all of
          them.
        </p>
      )}
      <h2>CVEs fixed</h2>
      <CveLinks cves={cves} max={MAX_FIXED_SHOWN} />
      <h2>Files</h2>
      <ul>
        <li>
          <a href={`/${feedPath(kernel.buildId)}`}>feed.json</a>: the file that a host fetches
        </li>
        <li>
          <a href={`/${metadataPath(kernel.buildId)}/timestamp.json`}>timestamp.json</a>: the file with which
          a TUF client begins
        </li>
        {fixes && isWhole && (
          <li>
            <a href={`/${openvexPath(kernel.buildId)}`}>openvex.json</a>: for scanners, about this kernel as
            it was built
          </li>
        )}
      </ul>
    </PageLayout>
  );
};

const newestFirst = (a: UpdateEntry, b: UpdateEntry): number =>
  b.published - a.published || (a.id < b.id ? -1 : 1);

const Fact: FC<{ readonly name: string; readonly value: string }> = ({ name, value }) => (
  <>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </>
);

const UpdateCard: FC<{ readonly update: ShownUpdate }> = ({ update }) => (
  <article class="update">
    <h3>
      <a href={`/updates/${update.id}`}>{update.id}</a>
    </h3>
    <p>{update.summary}</p>
    <RecallNotice why={update.recalled} />
    <p class="soft">
      <Time at={update.published} />
      {update.detail && detailOf(update.detail)}
    </p>
    {update.cves.length > 0 && <CveLinks cves={update.cves} max={MAX_CVES_SHOWN} />}
  </article>
);

/** The number of names of objects or updates that are shown of one update. */
const MAX_NAMED = 6;

function detailOf({ objects, depends, supersedes }: NonNullable<ShownUpdate["detail"]>): string {
  const functions = objects.reduce((sum, object) => sum + object.functions.length, 0);
  const names = named(objects.map(({ name }) => name));
  return [
    ` · ${counted(functions, "function")} in ${names}`,
    depends.length > 0 ? ` · needs ${named(depends)}` : "",
    supersedes.length > 0 ? ` · supersedes ${named(supersedes)}` : "",
  ].join("");
}

function named(names: readonly string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
  return names.slice(0, MAX_NAMED).join(", ") + more;
}

/** Links to CVEs. @property max the number of them that are shown. */
export const CveLinks: FC<{ readonly cves: readonly string[]; readonly max: number }> = ({ cves, max }) =>
  cves.length === 0 ? (
    <p class="soft">It names no CVE.</p>
  ) : (
    <p>
      {cves.slice(0, max).map((cve, i) => (
        <>
          {i > 0 && " "}
          <a href={`/cves/${cve}`}>{cve}</a>
        </>
      ))}
      {cves.length > max && ` and ${cves.length - max} more`}
    </p>
  );
