/** What is said about every package, in manual pages too. */
export interface About {
  readonly version: string;
  /** SOURCE_DATE_EPOCH: the one time that packages carry. */
  readonly seconds: number;
}
