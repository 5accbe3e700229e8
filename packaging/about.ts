/** What every package format says about the package. */
export interface About {
  readonly version: string;
  /** SOURCE_DATE_EPOCH: the one time that packages carry. */
  readonly seconds: number;
}

export const NAME = "rebootless";
export const SUMMARY = "Linux kernel updates without a reboot, verified before they are applied";
export const DESCRIPTION = [
  "rebootless polls a signed feed for the exact kernel that runs, verifies what it",
  "gets, compares the code to be replaced with the code in memory, and applies live",
  "patches while the host runs. It does nothing until `rebootless init` has given it",
  "a feed and a root of trust.",
] as const;
export const LICENSE = "MIT";
export const MAINTAINER = "the rebootless authors <authors@rebootless.invalid>";
