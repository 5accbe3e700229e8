import type { Kernel } from "../../support/guest/machine.ts";
import type { ActivityResult } from "./activity_proof.ts";
import type { ModulesResult } from "./module_proof.ts";
import type { CodeResult } from "./text_proof.ts";
import type { SiteBits } from "./unverifiable.ts";

/** That a boot with modules must have loaded. */
const FEWEST_MODULES = 15;

/** Functions of one kernel that may have no fingerprint. */
const MOST_REFUSED = 4;

/** What a proof came to, all kernels together. */
export class Tally {
  readonly kernels: string[] = [];
  readonly series = new Set<string>();
  configurations = 0;
  functions = 0;
  mismatches = 0;
  flips = 0;
  missed = 0;
  siteBits = 0;
  readonly unverifiable: string[] = [];
  readonly refused: string[] = [];
  /** In the kernel that had the most. */
  mostRefused = 0;
  moduleBoots = 0;
  /** In the boot that had the fewest. */
  modules = Number.POSITIVE_INFINITY;
  moduleFunctions = 0;
  moduleMismatches = 0;
  moduleFlips = 0;
  moduleMissed = 0;
  activities = 0;
  reported = 0;
  unexpected = 0;
  unreported = 0;
  /** Parts that could not be done. */
  readonly failures: string[] = [];

  addFailure(what: string): void {
    this.failures.push(what);
  }

  addBoot({ functions, found, flips, missed }: CodeResult): void {
    this.configurations += 1;
    this.functions += functions;
    this.mismatches += found.length;
    this.flips += flips;
    this.missed += missed.length;
  }

  addKernel({ version, series }: Kernel, reasons: readonly string[]): void {
    this.kernels.push(version);
    this.series.add(series);
    this.mostRefused = Math.max(this.mostRefused, reasons.length);
    this.refused.push(...reasons.map((reason) => `${version}: ${reason}`));
  }

  addSiteBits(version: string, { tried, unverifiable }: SiteBits): void {
    this.siteBits += tried;
    this.unverifiable.push(...unverifiable.map((place) => `${version}: ${place}`));
  }

  addModules({ modules, functions, found, flips, missed }: ModulesResult): void {
    this.moduleBoots += 1;
    this.modules = Math.min(this.modules, modules);
    this.moduleFunctions += functions;
    this.moduleMismatches += found.length;
    this.moduleFlips += flips;
    this.moduleMissed += missed.length;
  }

  addActivity({ reported, unexpected, unreported }: ActivityResult): void {
    this.activities += 1;
    this.reported += reported;
    this.unexpected += unexpected.length;
    this.unreported += unreported.length;
  }

  /** Nothing is amiss, and something was tried. */
  get holds(): boolean {
    const faults = [
      this.mismatches,
      this.missed,
      this.unverifiable.length,
      this.moduleMismatches,
      this.moduleMissed,
      this.unexpected,
      this.unreported,
      this.failures.length,
    ];
    const tried = this.configurations + this.siteBits + this.moduleBoots + this.activities;
    return (
      tried > 0 &&
      this.mostRefused <= MOST_REFUSED &&
      this.modules >= FEWEST_MODULES &&
      faults.every((count) => count === 0)
    );
  }

  toJSON(): object {
    return {
      kernels: this.kernels,
      series: [...this.series],
      configurations: this.configurations,
      functions: this.functions,
      mismatches: this.mismatches,
      refused: this.refused,
      flips: this.flips,
      missed: this.missed,
      site_bits: this.siteBits,
      unverifiable: { bytes: this.unverifiable.length, places: this.unverifiable },
      module_boots: this.moduleBoots,
      modules: this.moduleBoots === 0 ? 0 : this.modules,
      module_functions: this.moduleFunctions,
      module_mismatches: this.moduleMismatches,
      module_flips: this.moduleFlips,
      module_missed: this.moduleMissed,
      activities: this.activities,
      reported: this.reported,
      unexpected: this.unexpected,
      unreported: this.unreported,
      failures: this.failures,
    };
  }
}
