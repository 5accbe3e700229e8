/** Tells whether an error is one of the system's errors with these codes (errno(3)), such as `ENOENT` or `EACCES`. */
export const hasErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));
