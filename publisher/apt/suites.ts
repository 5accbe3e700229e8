import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folderLock } from "../../node/lock.ts";
import { mustRun } from "../../node/processes.ts";
import { type AptSource, sourcesText } from "./sources.ts";
import { APT_HINT } from "./targets.ts";

/** How long the lists of other suites are good for, in milliseconds: a day, after which an archive has changed. */
const LISTS_AGE_MS = 24 * 60 * 60_000;
const LOCK_WAIT_MS = 600_000;

export interface SuitesOptions {
  /** The folder in which apt's configuration and lists of these suites are kept. */
  readonly folder: string;
  readonly progress: (line: string) => void;
}

/**
 * Lets apt look at suites that this machine's own apt does not know, with a configuration whose lists lie in a folder of
 * their own. The lists stay what they are until `use` has ended.
 * @param use is called with the environment in which apt goes by that configuration.
 * @throws RebootlessError `unsupported` without apt, `io`, `locked`.
 */
export async function withSuites<T>(
  sources: readonly AptSource[],
  { folder, progress }: SuitesOptions,
  use: (env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const lock = folderLock(folder, { waitMs: LOCK_WAIT_MS });
  await lock.take();
  try {
    const text = sourcesText(sources);
    const env = await configure(folder);
    if (!(await isRead(folder, text))) {
      progress(`reading the package lists of ${sources.flatMap(({ suites }) => suites).join(", ")}`);
      await writeFile(join(folder, "suites.sources"), text);
      const update = ["-qq", "-o", "APT::Sandbox::User=root", "update"];
      await mustRun("apt-get", update, { env, hint: APT_HINT });
      await writeFile(join(folder, "read"), text);
    }
    return await use(env);
  } finally {
    lock.release();
  }
}

async function isRead(folder: string, sources: string): Promise<boolean> {
  const stamp = join(folder, "read");
  const read = await stat(stamp).catch(() => undefined);
  if (read === undefined || Date.now() - read.mtimeMs > LISTS_AGE_MS) return false;
  return (await readFile(stamp, "utf8")) === sources;
}

/** Writes a configuration in which apt sees neither this machine's packages nor its sources. */
async function configure(folder: string): Promise<Readonly<Record<string, string>>> {
  const lists = join(folder, "lists");
  const archives = join(folder, "archives");
  for (const made of [join(lists, "partial"), join(archives, "partial")])
    await mkdir(made, { recursive: true });
  const settings = {
    "Dir::Etc::sourcelist": join(folder, "suites.sources"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State::lists": lists,
    "Dir::State::status": "/dev/null",
    "Dir::Cache::archives": archives,
    "Dir::Cache::pkgcache": "",
    "Dir::Cache::srcpkgcache": "",
    "Acquire::Languages": "none",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  await writeFile(join(folder, "apt.conf"), lines.join(""));
  return { APT_CONFIG: join(folder, "apt.conf") };
}
