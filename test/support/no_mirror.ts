/** For a host's command line whose test does not run `rebootless mirror`. */
export const noMirror = (): never => {
  throw new Error("this test does not have the mirror's program");
};
