import type { ErrorCode } from "./errors.ts";

/** The exit codes that scripts see. docs/exit-codes.md documents them; a code never changes its meaning. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  unreachable: 3,
  trust: 4,
  notCovered: 5,
  runpre: 6,
  notPermitted: 7,
  expired: 8,
  apply: 9,
  locked: 10,
  partlyApplied: 11,
  conflict: 12,
  refused: 13,
  clock: 14,
  stopped: 15,
  notLive: 16,
  unchanged: 17,
  leftOut: 18,
  oldNode: 19,
  noList: 20,
  noMatch: 21,
  available: 100,
} as const;

const BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  usage: EXIT.usage,
  config: EXIT.usage,
  unreachable: EXIT.unreachable,
  trust: EXIT.trust,
  rollback: EXIT.trust,
  expired: EXIT.expired,
  no_list: EXIT.noList,
  no_match: EXIT.noMatch,
  not_covered: EXIT.notCovered,
  runpre: EXIT.runpre,
  not_permitted: EXIT.notPermitted,
  apply: EXIT.apply,
  locked: EXIT.locked,
  partly_applied: EXIT.partlyApplied,
  conflict: EXIT.conflict,
  refused: EXIT.refused,
  clock: EXIT.clock,
  stopped: EXIT.stopped,
  not_live: EXIT.notLive,
  left_out: EXIT.leftOut,
};

export const exitCodeOf = (code: ErrorCode): number => BY_CODE[code] ?? EXIT.error;
