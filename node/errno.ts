/** Tells whether an error is one of the system's, by the names of their codes (errno(3)): `ENOENT`, `EACCES`. */
export const hasErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));
