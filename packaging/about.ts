/** The facts that every package and manual page states. */
export interface About {
  readonly version: string;
  /** The time of everything in the packages, in seconds since 1970 (SOURCE_DATE_EPOCH). */
  readonly seconds: number;
}
