import type { ActivityResult } from "./activity_proof.ts";
import type { BootResult } from "./boot_proof.ts";
import type { SiteBits } from "./unverifiable.ts";

/** What a proof came to, all kernels together. */
export class Tally {
  configurations = 0;
  functions = 0;
  mismatches = 0;
  flips = 0;
  missed = 0;
  siteBits = 0;
  readonly unverifiable: string[] = [];
  activities = 0;
  reported = 0;
  unexpected = 0;
  unreported = 0;

  addBoot({ functions, found, flips, missed }: BootResult): void {
    this.configurations += 1;
    this.functions += functions;
    this.mismatches += found.length;
    this.flips += flips;
    this.missed += missed.length;
  }

  addSiteBits(version: string, { tried, unverifiable }: SiteBits): void {
    this.siteBits += tried;
    this.unverifiable.push(...unverifiable.map((place) => `${version}: ${place}`));
  }

  addActivity({ reported, unexpected, unreported }: ActivityResult): void {
    this.activities += 1;
    this.reported += reported;
    this.unexpected += unexpected.length;
    this.unreported += unreported.length;
  }

  /** Nothing is amiss, and something was tried. */
  get holds(): boolean {
    const faults = [this.mismatches, this.missed, this.unverifiable.length, this.unexpected, this.unreported];
    return this.configurations + this.activities > 0 && faults.every((count) => count === 0);
  }

  toJSON(): object {
    return {
      configurations: this.configurations,
      functions: this.functions,
      mismatches: this.mismatches,
      flips: this.flips,
      missed: this.missed,
      site_bits: this.siteBits,
      unverifiable: { bytes: this.unverifiable.length, places: this.unverifiable },
      activities: this.activities,
      reported: this.reported,
      unexpected: this.unexpected,
      unreported: this.unreported,
    };
  }
}
