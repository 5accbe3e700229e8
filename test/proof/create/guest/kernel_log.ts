/** Lines with which a kernel says that something is wrong. The taint of a live patch is nothing wrong. */
const PROBLEMS =
  /\bBUG:|\bWARNING:|Oops|general protection|invalid opcode|Call Trace|kernel BUG|UBSAN|KASAN|stack segment|hung_task|blocked for more|rcu.*(stall|detected)|Bad page|list_(add|del) corruption|livepatch: .*(fail|error|cannot|not found)|Unknown symbol|disagrees about|Skipping invalid|no symbol version/i;
// Emulation is slow: a processor that is not scheduled for long is the machine's doing. The smoke load mounts one disk often.
const HARMLESS = /soft lockup|clocksource|hrtimer: interrupt took|perf: interrupt took|maximal mount count/i;

/** What is wrong by the kernel's log, line by line. */
export const problemsIn = (log: string): readonly string[] =>
  log.split("\n").filter((line) => PROBLEMS.test(line) && !HARMLESS.test(line));
