/** The write bits of the umask. The user decides whether others may write, but not whether they may read. */
const WRITING = 0o022;

/**
 * Lets everybody read the files that are made from now on, except those that are made for root alone (0600).
 * Monitors, web servers and people who are not root read them, but hardened hosts, and cron on them, have a umask of
 * 077 or 027.
 */
export function letOthersRead(process: Pick<NodeJS.Process, "umask">): void {
  process.umask(process.umask(WRITING) & WRITING);
}
