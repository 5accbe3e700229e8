import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folderLock } from "../../../node/lock.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { mustRunBuildTool } from "../source/build_tools.ts";
import type { PackagedCompiler } from "../source/compiler.ts";
import {
  type AptSource,
  type AptTarget,
  archiveTargets,
  baseSuite,
  isCalled,
  parseOffers,
  parseTargets,
  type SuiteWithCompiler,
  signedBy,
  sourcesText,
  suiteOf,
  suitesWith,
  TARGET_FORMAT,
} from "./root_suite.ts";

/** The suites that are asked if none of the machine's own has the compiler. Ubuntu's have no such names. */
const OTHER_SUITES: ReadonlyMap<string, readonly string[]> = new Map([
  ["Debian", ["oldstable", "stable", "testing", "unstable"]],
]);
/** How long the lists of other suites are good for, in milliseconds: a day, after which an archive has changed. */
const LISTS_AGE_MS = 24 * 60 * 60_000;
const LOCK_WAIT_MS = 600_000;

/** Where a root's packages come from. */
export interface FoundSuite extends SuiteWithCompiler {
  /** For mmdebstrap: a file in apt's format deb822. */
  readonly sources: string;
}

/** How a suite is looked for. */
export interface SuiteSearch {
  /** The name that the author gave. */
  readonly wanted: string | undefined;
  /** True if another version of the compiler will do. */
  readonly anyVersion: boolean;
  /** The folder in which apt's own lists of other suites are kept. */
  readonly folder: string;
  readonly progress: (line: string) => void;
}

/**
 * Finds a suite with exactly a kernel's compiler: first among the sources that this machine's apt has, then among the
 * others of the same archive, signed by the same keys.
 * @throws RebootlessError `unsupported` if there is none.
 */
export async function findSuite(compiler: PackagedCompiler, search: SuiteSearch): Promise<FoundSuite> {
  const { wanted, anyVersion } = search;
  const own = await look(compiler.name, {});
  const choose = (suites: readonly SuiteWithCompiler[]): SuiteWithCompiler | undefined =>
    suiteOf(suites, compiler, wanted) ??
    (anyVersion && wanted !== undefined ? suites.find((suite) => isCalled(suite, wanted)) : undefined);
  const here = choose(own.suites);
  if (here !== undefined) return { ...here, sources: sourcesText(await ownSources(own.targets, here)) };
  const [archive] = archiveTargets(own.targets, compiler.distribution);
  if (archive === undefined)
    throw new RebootlessError(
      "unsupported",
      `apt has no archive of ${compiler.distribution} among its sources, which has the compiler ${compiler.name} ${compiler.version}`,
      {
        hint: "Add one and read its lists (apt-get update), or compile elsewhere with --builder.",
      },
    );
  const others = wanted === undefined ? (OTHER_SUITES.get(compiler.distribution) ?? []) : [wanted];
  const source = { uri: archive.uri, component: "main", signedBy: await keysOf(archive) };
  const elsewhere = others.length === 0 ? [] : await lookElsewhere(compiler.name, source, others, search);
  const there = choose(elsewhere);
  if (there !== undefined)
    return { ...there, sources: sourcesText([{ ...source, suites: [there.codename] }]) };
  throw notOffered(compiler, [...own.suites, ...elsewhere], wanted);
}

function notOffered(
  { name, version, distribution }: PackagedCompiler,
  suites: readonly SuiteWithCompiler[],
  wanted: string | undefined,
): RebootlessError {
  const where = wanted === undefined ? `no suite of ${distribution}'s archive` : `the suite ${wanted}`;
  const have = suites.map((suite) => `${suite.codename} has ${suite.version}`);
  const has = wanted === undefined ? "has" : "does not have";
  const listed = have.length === 0 ? "" : `: ${have.join(", ")}`;
  return new RebootlessError("unsupported", `${where} ${has} ${name} ${version}${listed}`, {
    hint: "Read the lists again (apt-get update). With --root SUITE and --force-compiler, the version there is used; --builder compiles elsewhere.",
  });
}

interface Looked {
  readonly targets: readonly AptTarget[];
  readonly suites: readonly SuiteWithCompiler[];
}

async function look(name: string, env: Readonly<Record<string, string>>): Promise<Looked> {
  const args = ["indextargets", "--format", TARGET_FORMAT, "Created-By: Packages"];
  const targets = parseTargets(await mustRunBuildTool("apt-get", args, { env }));
  const offers = parseOffers(await mustRunBuildTool("apt-cache", ["madison", name], { env }));
  return { targets, suites: suitesWith(targets, offers) };
}

/** Returns the machine's own sources of a suite and of its pockets. */
async function ownSources(
  targets: readonly AptTarget[],
  { codename }: SuiteWithCompiler,
): Promise<readonly AptSource[]> {
  const base = baseSuite(codename);
  const sources: AptSource[] = [];
  for (const target of targets.filter((each) => baseSuite(each.codename) === base)) {
    const { uri, release, component } = target;
    sources.push({ uri, suites: [release], component, signedBy: await keysOf(target) });
  }
  return sources;
}

const keysOf = async ({ entry, uri }: AptTarget): Promise<string | undefined> =>
  signedBy(await readFile(entry, "utf8").catch(() => ""), uri);

/** Looks at suites that the machine's apt does not know, with a configuration whose lists lie in the cache. */
async function lookElsewhere(
  name: string,
  source: Omit<AptSource, "suites">,
  suites: readonly string[],
  { folder, progress }: SuiteSearch,
): Promise<readonly SuiteWithCompiler[]> {
  const lock = folderLock(folder, { waitMs: LOCK_WAIT_MS });
  await lock.take();
  try {
    const sources = sourcesText([{ ...source, suites }]);
    const env = await configure(folder);
    if (!(await isRead(folder, sources))) {
      progress(`reading the package lists of ${suites.join(", ")}`);
      await writeFile(join(folder, "root.sources"), sources);
      await mustRunBuildTool("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "update"], { env });
      await writeFile(join(folder, "read"), sources);
    }
    return (await look(name, env)).suites;
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
    "Dir::Etc::sourcelist": join(folder, "root.sources"),
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
