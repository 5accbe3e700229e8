import type { AptTarget } from "../../apt/targets.ts";
import type { PackagedCompiler } from "../source/compiler.ts";

/*
 * Which suite of a distribution's archive has a kernel's compiler. This file only reads what apt prints.
 */

/** A version of a package in one suite. */
export interface SuiteOffer {
  readonly version: string;
  readonly uri: string;
  readonly release: string;
}

/** Reads the table that `apt-cache madison NAME` prints: `NAME | VERSION | URI RELEASE/COMPONENT ARCHITECTURE Packages`. */
export const parseOffers = (table: string): readonly SuiteOffer[] =>
  table.split("\n").flatMap((line) => {
    const [, version, uri, release] =
      /^ *\S+ \| +(\S+) \| (\S+) (\S+)\/[\w.+-]+ \S+ Packages$/.exec(line) ?? [];
    if (version === undefined || uri === undefined || release === undefined) return [];
    return [{ version, uri: uri.replace(/\/*$/, ""), release }];
  });

/** A suite that has a version of the compiler. */
export interface SuiteWithCompiler {
  readonly codename: string;
  /** The name by which apt's sources have it, which may be "stable". */
  readonly release: string;
  readonly version: string;
}

/** What names of suites are made of. A root's folder is named by it. */
export const SUITE_NAME = /^[a-z0-9][a-z0-9.+-]{0,63}$/;

/** Returns what the suites of some targets offer. What is in more than one component is named once. */
export function suitesWith(
  targets: readonly AptTarget[],
  offers: readonly SuiteOffer[],
): readonly SuiteWithCompiler[] {
  const found = new Map<string, SuiteWithCompiler>();
  for (const { version, uri, release } of offers) {
    const target = targets.find((each) => each.uri === uri && each.release === release);
    if (target === undefined || !SUITE_NAME.test(target.codename)) continue;
    const { codename } = target;
    found.set(`${codename} ${version}`, { codename, release, version });
  }
  return [...found.values()];
}

/**
 * Returns the first suite that has exactly the compiler of a kernel.
 * @param wanted the name of the suite that it must be, if one was given.
 */
export const suiteOf = (
  suites: readonly SuiteWithCompiler[],
  compiler: PackagedCompiler,
  wanted: string | undefined,
): SuiteWithCompiler | undefined =>
  suites.find(({ version, ...suite }) => version === compiler.version && isCalled(suite, wanted));

/** Reports whether a suite has a name. All of them have none. */
export const isCalled = (
  { codename, release }: Pick<SuiteWithCompiler, "codename" | "release">,
  name: string | undefined,
): boolean => name === undefined || codename === name || release === name;
