import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { encodeManifest } from "../../shared/feed/manifest.ts";
import type { Update } from "../../shared/feed/update.ts";
import { DAY, instant, systemClock } from "../../shared/time.ts";
import { manifestOf, updateOf } from "../../test/support/edge/repository.ts";

/** A sample to look at: a kernel that no machine runs, and an update whose modules contain noise. */
interface Sample {
  readonly release: string;
  readonly distribution: string;
  readonly banner: string;
  readonly updates: readonly (Partial<Update> & { readonly name: string })[];
}

const UPDATES: Readonly<Record<string, Sample["updates"][number]>> = {
  tls: {
    name: "net-tls-7",
    summary: "A record that ends early no longer reads past its buffer",
    cves: ["CVE-2026-12345"],
  },
  ext4: {
    name: "ext4-mballoc-1",
    summary: "Allocation of a group counts its blocks once",
    cves: ["CVE-2026-23456", "CVE-2026-23457"],
    recalled: "a transition can hang under heavy writing; ext4-mballoc-2 takes its place",
  },
  ext4Again: {
    name: "ext4-mballoc-2",
    summary: "Allocation of a group counts its blocks once",
    cves: ["CVE-2026-23456", "CVE-2026-23457"],
  },
  cmdline: { name: "proc-cmdline-1", summary: "The command line ends where it ends", cves: [] },
};
const some = (...names: readonly string[]) => names.flatMap((name) => UPDATES[name] ?? []);

const SAMPLES: readonly Sample[] = [
  {
    release: "6.1.0-42-cloud-amd64",
    distribution: "Debian 12",
    banner: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.159-1 (2026-10-30)",
    updates: some("tls", "ext4", "ext4Again"),
  },
  {
    release: "6.12.57+deb13-cloud-amd64",
    distribution: "Debian 13",
    banner: "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2026-11-05)",
    updates: some("tls", "cmdline"),
  },
  {
    release: "6.8.0-88-generic",
    distribution: "Ubuntu 24.04",
    banner: "#89-Ubuntu SMP PREEMPT_DYNAMIC Sat Oct 11 01:02:46 UTC 2026",
    updates: [],
  },
];

export interface Draft {
  readonly buildId: BuildId;
  /** The output of `uname -a` on a host that runs the kernel. */
  readonly uname: string;
  readonly draft: string;
  readonly modules: readonly string[];
}

/** Writes drafts and modules for `rebootless-publish push`. They have the same build IDs each time. */
export async function writeSamples(folder: string): Promise<readonly Draft[]> {
  await mkdir(folder);
  return Promise.all(SAMPLES.map((sample) => writeSample(folder, sample)));
}

async function writeSample(folder: string, sample: Sample): Promise<Draft> {
  const { release, distribution, banner } = sample;
  const id = buildId(createHash("sha1").update(release).digest("hex"));
  const modules: string[] = [];
  const updates: Update[] = [];
  for (const [n, { name, ...members }] of sample.updates.entries()) {
    const module = new Uint8Array(4096).map((_, i) => (i * 31 + n + release.length) % 251);
    modules.push(join(folder, `${id}-${name}.ko`));
    await writeFile(modules.at(-1) ?? "", module);
    const published = instant(systemClock() - (n + 1) * DAY);
    updates.push({ ...(await updateOf(name, module)), published, ...members });
  }
  const manifest = manifestOf(id, updates);
  const kernel = {
    ...manifest.kernel,
    release,
    distribution,
    banner: `Linux version ${release} (build@example) (gcc 12.2.0) ${banner}`,
    coverageEnds: instant(systemClock() + 300 * DAY),
  };
  const draft = join(folder, `${id}.json`);
  await writeFile(draft, encodeManifest({ ...manifest, kernel }));
  return { buildId: id, uname: `Linux host ${release} ${banner} x86_64 GNU/Linux`, draft, modules };
}
