import { mustRun } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { keysOf, ownSources, sourcesText } from "../../apt/sources.ts";
import { withSuites } from "../../apt/suites.ts";
import { APT_HINT, type AptTarget, archiveTargets, readTargets } from "../../apt/targets.ts";
import type { PackagedCompiler } from "../source/compiler.ts";
import { isCalled, parseOffers, type SuiteWithCompiler, suiteOf, suitesWith } from "./root_suite.ts";

/** The suites that are asked if none of the machine's own has the compiler. Ubuntu's have no such names. */
const OTHER_SUITES: ReadonlyMap<string, readonly string[]> = new Map([
  ["Debian", ["oldstable", "stable", "testing", "unstable"]],
]);

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
  if (here !== undefined)
    return { ...here, sources: sourcesText(await ownSources(own.targets, here.codename)) };
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
  const elsewhere =
    others.length === 0
      ? []
      : await withSuites([{ ...source, suites: others }], search, async (env) => {
          return (await look(compiler.name, env)).suites;
        });
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
  const targets = await readTargets(env);
  const offers = parseOffers(await mustRun("apt-cache", ["madison", name], { env, hint: APT_HINT }));
  return { targets, suites: suitesWith(targets, offers) };
}
