/** The bits of writing. Whoever runs the program decides whether others may write, but not whether they may read. */
const WRITING = 0o022;

/**
 * Lets everybody read the files that are made from now on, unless they are made for root alone (0600): monitors, web
 * servers and people who are not root read them. Hardened hosts, and cron on them, have a umask of 077 or 027.
 */
export function letOthersRead(process: Pick<NodeJS.Process, "umask">): void {
  process.umask(process.umask(WRITING) & WRITING);
}
